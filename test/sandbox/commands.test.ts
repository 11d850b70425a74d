/** Running, listening to and ending commands from a program. */
import assert from 'node:assert/strict'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { RuntimeError, SandboxError, sandbox } from '../../src/index.ts'
import { needs } from '../fixtures/needs.ts'

const skip = needs('userns') ?? false

test('a result has the output without the final newline, the exit code and the time', { skip }, async () => {
  await using box = sandbox({ cwd: '/' })
  const result = await box.run(['sh', '-c', 'echo out; echo err >&2'])
  assert.deepEqual(
    [result.stdout, result.stderr, result.exitCode, result.signal, result.failed],
    ['out', 'err', 0, undefined, false],
  )
  assert.ok(result.durationMs > 0)
})

test('a failing command rejects with what it said, or resolves when asked to', { skip }, async () => {
  await using box = sandbox({ cwd: '/' })
  const failing = box.run(['sh', '-c', 'echo said >&2; exit 3'])
  await assert.rejects(
    failing,
    (error) =>
      error instanceof SandboxError &&
      error.exitCode === 3 &&
      error.stderr === 'said' &&
      /exit code 3/.test(error.message),
  )
  assert.equal((await box.run(['false'], { reject: false })).exitCode, 1)
})

test('a signal is told by its name', { skip }, async () => {
  await using box = sandbox({ cwd: '/' })
  const { signal, exitCode } = await box.run(['sh', '-c', 'kill -USR1 $$'], { reject: false })
  assert.deepEqual([signal, exitCode], ['SIGUSR1', undefined])
})

test('a program that is missing, or no program, is a RuntimeError and no result', { skip }, async () => {
  await using box = sandbox({ cwd: '/' })
  await assert.rejects(
    box.run(['usnea-no-such-program']),
    (error) => error instanceof RuntimeError && error.code === 'exec-not-found',
  )
  await assert.rejects(
    box.run(['/etc/passwd']),
    (error) => error instanceof RuntimeError && error.code === 'exec-denied',
  )
  await assert.rejects(box.run([]), { code: 'sandbox-option' })
})

test('input reaches the command, and gigabytes of zeros do not fill our memory', { skip }, async () => {
  await using box = sandbox({ cwd: '/' })
  assert.equal((await box.run(['cat'], { input: 'through' })).stdout, 'through')
  const { stdout } = await box.run(['sh', '-c', 'head -c 50000000 /dev/zero'], { maxBuffer: 1000 })
  assert.equal(stdout.length, 1000)
})

test('a time-out and a cancellation kill the whole tree', { skip }, async () => {
  await using box = sandbox({ cwd: '/' })
  const timed = await box.run(['sh', '-c', 'sleep 100 & sleep 100'], { timeout: 200, reject: false })
  assert.deepEqual([timed.timedOut, timed.failed], [true, true])
  const controller = new AbortController()
  const running = box.run(['sleep', '100'], { cancelSignal: controller.signal, reject: false })
  setTimeout(() => controller.abort(), 100)
  assert.equal((await running).isCanceled, true)
})

test('streams work both ways, and a signal sent at once is not lost', { skip }, async () => {
  await using box = sandbox({ cwd: '/' })
  const cat = box.spawn(['cat'])
  cat.stdin?.end('hello')
  assert.ok(cat.stdout)
  assert.equal(await text(cat.stdout), 'hello')
  assert.equal((await cat.exited).exitCode, 0)
  const sleeper = box.spawn(['sleep', '100'], { stdio: 'ignore' })
  sleeper.kill('SIGTERM')
  assert.equal((await sleeper.exited).signal, 'SIGTERM')
})

test('disposing a sandbox ends what runs in it', { skip }, async () => {
  const box = sandbox({ cwd: '/' })
  const sleeper = box.spawn(['sleep', '100'], { stdio: 'ignore' })
  await box[Symbol.asyncDispose]()
  assert.equal((await sleeper.exited).signal, 'SIGKILL')
})

test('many at once each get their own answer, under two policies side by side', { skip }, async () => {
  await using first = sandbox({ cwd: '/', env: { WHO: 'first' } })
  await using second = sandbox({ cwd: '/', env: { WHO: 'second' } })
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, i) => (i % 2 ? first : second).run(['sh', '-c', `echo $WHO ${i}`])),
  )
  assert.deepEqual(
    answers.map(({ stdout }) => stdout),
    answers.map((_, i) => `${i % 2 ? 'first' : 'second'} ${i}`),
  )
})

test('children of child_process are not stolen by ours', { skip }, async () => {
  const { spawn } = await import('node:child_process')
  await using box = sandbox({ cwd: '/' })
  const codes = await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      const child = new Promise((resolve) => spawn('sh', ['-c', `exit ${i}`]).on('close', resolve))
      await box.run(['true'])
      return child
    }),
  )
  assert.deepEqual(codes, [...codes.keys()])
})

test('a plan shows what would be done and does nothing', () => {
  const { ops } = sandbox({ cwd: '/' }).plan(['true'])
  assert.equal(ops[0]?.op, 'unshareUser')
  assert.equal(ops.at(-1)?.op, 'exec')
  assert.ok(ops.every(({ origin }) => origin !== ''))
})
