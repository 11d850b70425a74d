/** Sandboxes that wait for their command: as closed as any, each for one command, and gone with whoever made them. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { isRuntimeError } from '../../src/base/errors.ts'
import { FD_NULL } from '../../src/container/isolate.ts'
import { readHost } from '../../src/host/host.ts'
import { compilerFor } from '../../src/sandbox/compile.ts'
import { sandbox } from '../../src/sandbox/index.ts'
import { checkOptions } from '../../src/sandbox/options.ts'
import { choosePolicy } from '../../src/sandbox/policy.ts'
import { Pool } from '../../src/sandbox/pool.ts'
import { needs } from '../fixtures/needs.ts'
import { allProcesses, readProcess } from '../fixtures/processes.ts'
import { until } from '../fixtures/until.ts'

const skip = needs('userns') ?? false
const library = fileURLToPath(new URL('../../dist/lib/index.js', import.meta.url))
const ours = () => allProcesses().filter(({ parent }) => parent === process.pid)

test('a command in a waiting sandbox has its own arguments, streams, environment, directory and end', {
  skip,
}, async () => {
  await using box = sandbox({ env: { A: '1' } }, { warm: 2 })
  await box.ready()
  const script = 'cat; echo "$A $B $PWD $1"; echo err >&2; exit 3'
  const options = { input: 'in\n', env: { B: '2' }, cwd: '/usr', reject: false }
  const result = await box.run(['sh', '-c', script, 'sh', 'argument'], options)
  assert.deepEqual(
    { stdout: result.stdout, stderr: result.stderr, exitCode: result.exitCode },
    { stdout: 'in\n1 2 /usr argument', stderr: 'err', exitCode: 3 },
  )
})

test('waiting or not, a command sees the same', { skip }, async () => {
  await using warm = sandbox({ cwd: '/' }, { warm: 1 })
  await using cold = sandbox({ cwd: '/' })
  await warm.ready()
  const look =
    'grep -E "^(Cap|NoNewPrivs|Seccomp|Uid|Gid)" /proc/self/status; ls /proc/self/fd; ulimit -n; umask; cut -d" " -f4- /proc/self/mountinfo; env | sort'
  const [a, b] = [await warm.run(['sh', '-c', look]), await cold.run(['sh', '-c', look])]
  assert.equal(a.stdout, b.stdout)
})

test('no sandbox is used twice', { skip }, async () => {
  await using box = sandbox({ cwd: '/' }, { warm: 1 })
  for (let round = 0; round < 6; round++) {
    await box.ready()
    const { stdout } = await box.run(['sh', '-c', 'ls /tmp; touch /tmp/mark'])
    assert.equal(stdout, '')
  }
})

test('more commands at once than wait are run all the same', { skip }, async () => {
  await using box = sandbox({ cwd: '/' }, { warm: 2 })
  const answers = await Promise.all(Array.from({ length: 12 }, (_, i) => box.run(['echo', `${i}`])))
  assert.deepEqual(
    answers.map(({ stdout }) => stdout),
    Array.from({ length: 12 }, (_, i) => `${i}`),
  )
})

test('one that is still being made is left for a later command', { skip }, async () => {
  const policy = choosePolicy(checkOptions({ cwd: '/' }, '/'), readHost())
  const { before, command } = compilerFor(policy, true)
  const rest = command({ argv: ['true'], env: {}, cwd: '/', umask: 0o22, newSession: true })
  const pool = new Pool(2, { before, label: 'sandbox', maps: undefined, host: policy.host })
  const run = () => pool.run(rest, [FD_NULL, FD_NULL, FD_NULL], policy.host)
  assert.equal(run(), undefined)
  await pool.ready()
  const begun = [run(), run()]
  assert.equal(run(), undefined)
  for (const one of begun) assert.deepEqual(await one?.outcome, { ended: { exitCode: 0, signal: undefined } })
  await pool.end()
})

test('while as many commands run as there are processors none is made in advance', { skip }, async () => {
  const others = new Set(ours().map(({ pid }) => pid))
  const children = () => ours().filter(({ pid, state }) => state !== 'Z' && !others.has(pid)).length
  await using box = sandbox({ cwd: '/' }, { warm: 1 })
  await box.ready()
  const count = Math.max(2, availableParallelism())
  const running = Array.from({ length: count }, () => box.spawn(['cat']))
  await until('all of them run', () => children() === count)
  for (const command of running.splice(1)) {
    command.stdin?.end()
    await command.exited
  }
  await until('another one waits', () => children() === 2)
})

test('what is wrong with a command is said as without a pool, with its place in the plan', { skip }, async () => {
  await using box = sandbox({ cwd: '/' }, { warm: 1 })
  await box.ready()
  await assert.rejects(box.run(['/no/such/program']), (error) => isRuntimeError(error, 'exec-not-found'))
  await box.ready()
  await assert.rejects(box.run(['true'], { cwd: '/no/such/place' }), (error) => isRuntimeError(error, 'cwd-missing'))
})

test('a directory of the host is no stream of a command', { skip }, async () => {
  await using box = sandbox({ cwd: '/' }, { warm: 1 })
  await box.ready()
  const { openSync, closeSync } = await import('node:fs')
  const directory = openSync('/', 'r')
  try {
    const stdio = [directory, 'pipe', 'pipe'] as const
    await assert.rejects(
      async () => box.spawn(['true'], { stdio }).exited,
      (error) => isRuntimeError(error, 'spawn-failed'),
    )
  } finally {
    closeSync(directory)
  }
})

test('one that was killed while it waited is passed over', { skip }, async () => {
  await using box = sandbox({ cwd: '/' }, { warm: 1 })
  await box.ready()
  const waiting = ours().filter(({ state }) => state !== 'Z')
  assert.ok(waiting.length > 0)
  for (const { pid } of waiting) process.kill(pid, 'SIGKILL')
  await until('the killed ones are dead', () => waiting.every(({ pid }) => (readProcess(pid)?.state ?? 'Z') === 'Z'))
  assert.equal((await box.run(['echo', 'still'])).stdout, 'still')
})

test('disposing it leaves no process, not even a dead one', { skip }, async () => {
  const before = ours().length
  {
    await using box = sandbox({ cwd: '/' }, { warm: 3 })
    await box.run(['true'])
  }
  await until('all are collected', () => ours().length <= before)
})

test('a program ends by itself although sandboxes wait, and they end with it', { skip }, async () => {
  const script = `import { sandbox } from '${library}'
const box = sandbox({ cwd: '/' }, { warm: 2 }); await box.ready()
const { readFileSync } = await import('node:fs')
console.log(readFileSync('/proc/self/task/' + process.pid + '/children', 'utf8'))`
  const { stdout, status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    timeout: 60_000,
  })
  assert.equal(status, 0, stderr)
  const pids = stdout.trim().split(' ').map(Number)
  assert.ok(pids.length >= 2, stdout)
  await until('they ended', () => allProcesses().every(({ pid, state }) => !pids.includes(pid) || state === 'Z'))
})

test('a wrong number is refused', () => {
  for (const warm of [-1, 1.5, Number.NaN, 100_000])
    assert.throws(
      () => sandbox({}, { warm }),
      (error) => isRuntimeError(error, 'sandbox-option'),
    )
})
