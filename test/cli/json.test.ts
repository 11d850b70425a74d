// What verbs print with --json, in the shapes of docs/command-line.md. Needs nothing; for containers and layers what these need.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Explanation } from '../../src/sandbox/explain.ts'
import { testAs } from '../fixtures/cases.ts'
import { scratch } from '../fixtures/command-line.ts'
import { needs } from '../fixtures/needs.ts'
import { assertShape, documented } from '../fixtures/shape.ts'
import { openTrial } from '../fixtures/trying.ts'
import { succeeded } from '../fixtures/world.ts'

const trial = openTrial()

function print(...words: string[]): unknown {
  const { status, stdout, stderr } = trial.usnea(...words)
  assert.equal(status, 0, stderr)
  return JSON.parse(stdout)
}

/** Each in a test that has one, or in test/tasks/cli.test.ts. */
const held = new Set<string>()
function hold(call: string, value: unknown): void {
  held.add(call)
  assertShape(call, value)
}

testAs({ as: ['root', 'ranges'] }, 'containers: list, state, ps, limits and top', async (world) => {
  const id = world.newId()
  const bundle = await world.bundle((config) => {
    config.process.args = ['sleep', '1000']
    config.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 64, hard: 64 }]
    config.annotations = { note: 'kept' }
  })
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
  const told = async (...words: string[]) => JSON.parse(succeeded(await world.usnea(words)))
  for (const [call, words] of [
    ['list', ['list', '--json']],
    ['state', ['state', id]],
    ['ps', ['ps', '--json', id]],
    ['limits', ['limits', '--json', id]],
    ['top', ['top', '--json']],
  ] as const) {
    const value = await told(...words)
    hold(call, value)
    if (call === 'list' || call === 'ps' || call === 'top') assert.ok(value.length > 0, call)
  }
  for (const words of [['list'], ['ps', id], ['limits', id]]) {
    const [verb = '', ...rest] = words
    assert.deepEqual(await told(verb, '--format', 'json', ...rest), await told(verb, '--json', ...rest))
  }
  succeeded(await world.usnea(['delete', '--force', id]))
})

test('what is planned, proved and configured', () => {
  const config = join(scratch, 'json.toml')
  const text =
    '[sandbox]\ntimeout = "5s"\n[runtimes.gone]\npath = "/nowhere/gone"\n[runtimes.k]\ntype = "io.containerd.kata.v2"\n'
  writeFileSync(config, text, { mode: 0o600 })
  if (needs('userns') === undefined) hold('plan', print('plan', '--json', '--', 'true'))
  if (needs('userns') === undefined) {
    const given = ['--cwd', '/', '--ro', '/usr', '--env', 'TOKEN=hunter2', '--timeout', '5s', '--no-config']
    const told = print(...given, '--explain', '--json', '--', 'true') as Explanation
    hold('sandbox --explain', told)
    const said = (name: string) => told.rules.filter(({ rule }) => rule === name)
    assert.deepEqual(
      [said('ro')[0]?.value, said('env')[0]?.value, said('timeout')[0]?.place],
      ['/usr', 'TOKEN', '--timeout'],
    )
    assert.doesNotMatch(JSON.stringify(told), /hunter2/)
    assertShape('sandbox --explain', print('try', '--explain', '--json', '--no-config', '--', 'true'))
    const { status, stderr } = trial.usnea('--json', '--', 'true')
    assert.match(stderr, /--json is for --explain/)
    assert.notEqual(status, 0)
  }
  hold('runtimes list', print('runtimes', 'list', '--json', '--config', config))
  const checked = trial.usnea('runtimes', 'check', '--json', '--config', config)
  hold('runtimes check', JSON.parse(checked.stdout))
  hold('config show', print('config', 'show', '--json', '--config', config))
  hold('config show --origin', print('config', 'show', '--json', '--origin', '--config', config))
  hold('config check', print('config', 'check', '--json', config))
  const docker = join(scratch, 'daemon.json')
  writeFileSync(docker, '{ "runtimes": { "other": { "path": "/nowhere/other" } } }')
  hold('runtimes import', print('runtimes', 'import', '--json', '--config', config, docker))
  hold('doctor', print('doctor', '--json', '--min-level', 'X'))
})

test('what was denied, and what would open it', () => {
  const denial = {
    time: '2026-01-01T00:00:00Z',
    verdict: 'refused',
    kind: 'network',
    action: 'tcp',
    rule: 'allow-host',
  }
  const lines = [
    { ...denial, host: 'a.example.org', port: 443, reason: 'name-not-allowed' },
    { ...denial, address: '10.0.0.1', port: 1, reason: 'address-closed' },
    { ...denial, kind: 'call', action: 'call', call: 'bpf', rule: 'system calls' },
  ]
  const found = print(
    'suggest',
    '--json',
    trial.write('log.jsonl', lines.map((line) => JSON.stringify(line)).join('\n')),
  )
  hold('suggest', found)
  const { safe, dangerous, closed } = found as Record<'safe' | 'dangerous' | 'closed', unknown[]>
  assert.deepEqual([safe.length, dangerous.length, closed.length], [1, 1, 1])
})

test('layers: try, diff, layers, apply', { skip: needs('userns') ?? false }, () => {
  trial.write('kept', 'a\n')
  trial.write('gone', 'b\n')
  trial.write('moved', 'c\nd\n')
  trial.try('echo more >>kept; rm gone; mv moved there; ln -s x link; mkdir -p .git/hooks; echo x >.git/hooks/a')
  hold('diff', print('diff', '--json'))
  const list = print('layers', '--json') as { layers: { name: string }[] }
  hold('layers list', list)
  hold('layers show', print('layers', 'show', '--json', list.layers[0]?.name ?? ''))
  hold('apply', print('apply', '--json', '--skip-refused'))
})

test('no shape is told that nobody holds, and every verb with --json is told', () => {
  const tasks = [...documented.keys()].filter((call) => call.startsWith('task '))
  const other = readFileSync(new URL('../tasks/cli.test.ts', import.meta.url), 'utf8')
  for (const call of tasks) assert.ok(other.includes(`assertShape('${call}'`), call)
  const text = readFileSync(fileURLToPath(import.meta.url), 'utf8')
  for (const call of documented.keys()) if (!tasks.includes(call)) assert.match(text, new RegExp(`['(]${call}',`), call)
  const folder = new URL('../../src/cli/commands/', import.meta.url)
  const verbs = readdirSync(folder).filter((name) => name.endsWith('.ts'))
  for (const file of verbs) {
    if (!/jsonFlag,|formatFlags,|name: 'json'/.test(readFileSync(new URL(file, folder), 'utf8'))) continue
    const verb = file.replace('.ts', '')
    assert.ok(
      [...documented.keys()].some((call) => call.split(' ')[0] === verb),
      verb,
    )
  }
})
