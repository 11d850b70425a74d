/** Names of cgroups say whose they are: only what surely belongs to a program that has ended counts as left behind. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { boxName, isAbandoned } from '../../src/container/hold/box-name.ts'
import { needs } from '../fixtures/needs.ts'

const module = fileURLToPath(new URL('../../src/container/hold/box-name.ts', import.meta.url))
const skip = needs('root', 'unshare') ?? false
const unshared = (...args: string[]) => {
  const { stdout, stderr, status } = spawnSync('unshare', args, { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  return stdout.trim()
}
const node = [process.execPath, ...process.execArgv, '--input-type=module', '-e']
const told = (name: string) => `import { boxName, isAbandoned } from ${JSON.stringify(module)}; console.log(${name})`
const changed = (name: string, at: number, to: (part: string) => string) =>
  name
    .split('-')
    .map((part, i) => (i === at ? to(part) : part))
    .join('-')
const [PID, START] = [3, 4]

test('ours is not abandoned; that of a pid that nobody has, or has again, is', () => {
  const name = boxName(1)
  assert.equal(isAbandoned(name), false)
  const ended = spawnSync('true').pid
  assert.equal(isAbandoned(changed(name, PID, () => ended.toString(36))), true)
  assert.equal(isAbandoned(changed(name, START, (start) => `1${start}`)), true)
  assert.equal(isAbandoned(changed(name, START, () => '0')), false)
  for (const other of ['usnea-box-', 'usnea-box-1-2-3-4', 'usnea-box-0-zzzzzz-0-0-1', 'x'])
    assert.equal(isAbandoned(other), false)
})

test('who sees other times of beginning takes nothing of a live program for abandoned', {
  skip: skip || (needs('time-namespace') ?? false),
}, () => {
  const seen = unshared('--time', '--fork', '--boottime', '100000', '--', ...node, told(`isAbandoned('${boxName(2)}')`))
  assert.equal(seen, 'false')
})

test('neither does who cannot read when it began', { skip }, () => {
  const script = 'mount -t tmpfs none "/proc/$0" && exec "$@"'
  const args = ['--mount', '--', 'sh', '-c', script, String(process.pid)]
  assert.equal(unshared(...args, ...node, told(`isAbandoned('${boxName(3)}')`)), 'false')
})

test('nor who has the /proc of another pid namespace', { skip }, () => {
  const one = `boxName(4).split('-').map((part, i) => i === ${START} ? '5' : part).join('-')`
  const seen = unshared('--pid', '--fork', '--', ...node, told(`boxName(4).split('-')[${START}], isAbandoned(${one})`))
  assert.equal(seen, '0 false')
})
