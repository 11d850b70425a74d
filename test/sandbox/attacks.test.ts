/** The same attacks at every level that this machine can be made to have, and outside of any sandbox, to show that they are some. */
import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  utimesSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Denial } from '../../src/index.ts'
import { type IdentityName, whyNot } from '../fixtures/as.ts'
import { runtimePath } from '../fixtures/install.ts'
import { needs } from '../fixtures/needs.ts'
import { refusing } from '../fixtures/refusing.ts'
import { runDirectory } from '../fixtures/run-directory.ts'
import { until } from '../fixtures/until.ts'
import { isRoot } from '../fixtures/users.ts'
import { openWorld, succeeded, type World } from '../fixtures/world.ts'
import { type AttackedLevel, attackedLevels, attackRows } from './attacks.ts'

const script = readFileSync(new URL('../fixtures/attacks.py', import.meta.url), 'utf8')
const victimScript = readFileSync(new URL('../fixtures/victim.py', import.meta.url), 'utf8')

/** Who has which level. At L nothing of namespaces can be had. */
const identities: Readonly<Record<AttackedLevel, IdentityName>> = {
  R: 'root',
  N: 'nested',
  U1: 'plain',
  U0: 'contained',
  L: 'plain',
}

const worlds = new Map<IdentityName, Promise<World>>()
const worldOf = (name: IdentityName): Promise<World> => {
  const world = worlds.get(name) ?? openWorld(name)
  worlds.set(name, world)
  return world
}
after(async () => {
  for (const world of worlds.values()) await (await world)[Symbol.asyncDispose]()
})

type Got = Readonly<Record<string, string | null>>

/** Python runs by its own path: a plain user of the tests has hardly a PATH. */
const python = ['/usr/bin/python3', '-c']

interface Scene {
  readonly facts: {
    readonly home: string
    readonly project: string
    readonly victim: unknown
    readonly marker: string
    readonly setuid: string
  }
  readonly close: () => Promise<unknown>
}

let scenes = 0

/** A home with a key, a folder that is shown with something hidden in it, a project, and a victim. */
async function scene(world: World): Promise<Scene> {
  const name = `attacked-${++scenes}`
  const file = (path: string, text: string) => world.file(join(name, path), text)
  for (const path of ['.ssh/id', 'shown/hidden/key']) file(path, 'SECRET')
  file('shown/file', 'untouched')
  file('project/.git/config', '[core]\n')
  file('project/.git/hooks/sample', '')
  file('project/.usnea.toml', '')
  const home = realpathSync(join(world.identity.home, name))
  for (const path of ['', ...readdirSync(home, { recursive: true, encoding: 'utf8' })]) {
    if (isRoot) chownSync(join(home, path), world.identity.user.uid, world.identity.user.gid)
  }
  utimesSync(join(home, 'shown/file'), 1000, 1000)
  const victim = world.start([...python, victimScript, home], { env: { USNEA_VICTIM: 'yes' } })
  await until('the victim listens', () => victim.output().stdout.includes('}'))
  const facts = {
    home,
    project: join(home, 'project'),
    victim: JSON.parse(victim.output().stdout),
    marker: `${5_000_000 + process.pid * 10 + scenes}`,
    setuid: isRoot ? setuidProgram() : '',
  }
  const close = async () => {
    victim.child.kill('SIGTERM')
    await victim.ended
  }
  return { facts, close }
}

function setuidProgram(): string {
  const folder = join(runDirectory(), 'setuid')
  const path = join(folder, 'id')
  mkdirSync(folder, { recursive: true })
  copyFileSync('/usr/bin/id', path)
  chmodSync(path, 0o4755)
  return path
}

async function attacked(
  world: World,
  argv: (facts: Scene['facts']) => readonly string[],
): Promise<{ got: Got; facts: Scene['facts'] }> {
  const { facts, close } = await scene(world)
  try {
    const outcome = await world.run([...argv(facts), ...python, script, JSON.stringify(facts)])
    const got = JSON.parse(succeeded(outcome)) as Got
    return { got: { ...got, outlive: isAlive(facts.marker) ? 'it lives' : null }, facts }
  } finally {
    await close()
  }
}

/** In the whole machine: whoever escaped is not in our namespaces either. */
function isAlive(marker: string): boolean {
  return readdirSync('/proc').some((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0').includes(marker)
    } catch {
      return false
    }
  })
}

const needed =
  needs('python3') ?? (statSync('/usr/bin/python3', { throwIfNoEntry: false }) ? undefined : 'needs /usr/bin/python3')

test('outside of a sandbox the attacks work, so they are some', { skip: needed ?? whyNot('plain') }, async () => {
  const world = await worldOf('plain')
  const { got, facts } = await attacked(world, () => [])
  const left = attackRows.filter(
    ({ id, harmless }) => !harmless && got[id] === null && (isRoot || id !== 'setuid-program'),
  )
  for (const pid of pidsOf(facts.marker)) process.kill(pid, 'SIGKILL')
  assert.deepEqual(
    left.map(({ id }) => id),
    [],
  )
  assert.deepEqual(Object.keys(got).sort(), attackRows.map(({ id }) => id).sort())
})

function pidsOf(marker: string): number[] {
  return readdirSync('/proc')
    .filter((pid) => {
      try {
        return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0').includes(marker)
      } catch {
        return false
      }
    })
    .map(Number)
}

test('docs/levels.md has this table', () => {
  const text = readFileSync(new URL('../../docs/levels.md', import.meta.url), 'utf8')
  const rows = attackRows.map(({ title, open }) => {
    const cells = attackedLevels.map((level) => (open?.at.includes(level) ? '**no**' : 'yes'))
    return `| ${[title, ...cells].join(' | ')} |`
  })
  for (const row of rows) assert.ok(text.includes(row), `missing: ${row}`)
  for (const { open } of attackRows) if (open) assert.ok(text.includes(open.why), open.why)
})

for (const level of attackedLevels) {
  const identity = identities[level]
  const skip = needed ?? whyNot(identity)
  const stops = async (watched: readonly string[]) => {
    const world = await worldOf(identity)
    const usnea = await runtimePath()
    const options = ({ home, project, setuid }: Scene['facts']) => [
      ...['--rw', project, '--ro', join(home, 'shown'), '--hide', join(home, 'shown/hidden'), '--min-level', level],
      ...(setuid === '' ? [] : ['--ro', setuid]),
      ...(level === 'L' ? ['--accept', 'protect'] : []),
      ...watched,
    ]
    const through = level === 'L' ? refusing([]) : []
    const { got, facts } = await attacked(world, (facts) => [...through, usnea, ...options(facts), '--'])
    const open = attackRows.filter((row) => row.open?.at.includes(level)).map(({ id }) => id)
    const reached = Object.entries(got).flatMap(([id, what]) => (what === null ? [] : [`${id}: ${what}`]))
    assert.deepEqual(reached.map((text) => text.split(':')[0]).sort(), open.sort(), reached.join('\n'))
    assert.equal(readFileSync(join(facts.home, 'shown/file'), 'utf8'), 'untouched')
    assert.equal(statSync(join(facts.home, 'shown/file')).mtimeMs, 1000_000)
    return facts
  }

  test(`level ${level} stops what the table says`, { skip }, async () => void (await stops([])))

  test(`level ${level} stops the same while it is watched, and the log has it`, { skip }, async () => {
    const log = (await worldOf(identity)).file(`denials-${level}`, '')
    const { home, project } = await stops(['--log-denials', log])
    const denials = readFileSync(log, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Denial)
    const has = (test: (denial: Denial) => unknown) => denials.some(test)
    const key = join(home, '.ssh/id')
    assert.ok(
      has(({ path, action }) => path === key && action === 'read'),
      key,
    )
    assert.ok(
      has(({ kind, rule }) => kind === 'network' || rule === 'net none'),
      'the network',
    )
    assert.ok(
      has(({ kind }) => kind === 'process'),
      'another process',
    )
    assert.ok(
      has(({ kind }) => kind === 'call'),
      'a system call',
    )
    if (level !== 'L')
      assert.ok(has(({ path, rule }) => path?.startsWith(join(project, '.git')) && rule.startsWith('protect')))
    assert.equal(
      has(({ kind }) => kind === 'lost'),
      false,
    )
  })
}
