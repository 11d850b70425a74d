/** The same attacks at every level that this machine can be made to have, and outside of any sandbox, to show that they are some. */
import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Denial } from '../../src/index.ts'
import { type IdentityName, whyNot } from '../fixtures/as.ts'
import { runtimePath } from '../fixtures/install.ts'
import { needs } from '../fixtures/needs.ts'
import { refusing } from '../fixtures/refusing.ts'
import { attackScript, openScene, pidsOf, python, type Scene } from '../fixtures/scene.ts'
import { worldOf } from '../fixtures/shared-worlds.ts'
import { isRoot } from '../fixtures/users.ts'
import { succeeded, type World } from '../fixtures/world.ts'
import { type AttackedLevel, attackedLevels, attackRows } from './attacks.ts'

/** Who has which level. At L nothing of namespaces can be had. */
const identities: Readonly<Record<AttackedLevel, IdentityName>> = {
  R: 'root',
  N: 'nested',
  U1: 'plain',
  U0: 'contained',
  L: 'plain',
}

type Got = Readonly<Record<string, string | null>>

async function attacked(
  world: World,
  argv: (facts: Scene['facts']) => readonly string[],
): Promise<{ got: Got; facts: Scene['facts'] }> {
  const { facts, close } = await openScene(world)
  try {
    const outcome = await world.run([...argv(facts), ...python, attackScript, JSON.stringify(facts)])
    const got = JSON.parse(succeeded(outcome)) as Got
    return { got: { ...got, outlive: pidsOf(facts.marker).length > 0 ? 'it lives' : null }, facts }
  } finally {
    await close()
  }
}

const needed =
  needs('python3') ?? (statSync('/usr/bin/python3', { throwIfNoEntry: false }) ? undefined : 'needs /usr/bin/python3')

/** Only root can make such a program. */
const bySpecialBit = new Set(['setuid-program', 'foreign-group'])

test('outside of a sandbox the attacks work, so they are some', { skip: needed ?? whyNot('plain') }, async () => {
  const world = await worldOf('plain')
  const { got, facts } = await attacked(world, () => [])
  const left = attackRows.filter(
    ({ id, harmless }) => !harmless && got[id] === null && (isRoot || !bySpecialBit.has(id)),
  )
  for (const pid of pidsOf(facts.marker)) process.kill(pid, 'SIGKILL')
  assert.deepEqual(
    left.map(({ id }) => id),
    [],
  )
  assert.deepEqual(Object.keys(got).sort(), attackRows.map(({ id }) => id).sort())
})

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
    const options = ({ home, project, setuid, setgid }: Scene['facts']) => [
      ...['--rw', project, '--ro', join(home, 'shown'), '--hide', join(home, 'shown/hidden'), '--min-level', level],
      ...[setuid, setgid].flatMap((path) => (path === '' ? [] : ['--ro', path])),
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
