/** The end of a command's time: asked first, then killed, from the command line and for programs. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { sandbox } from '../../src/sandbox/index.ts'
import { needs } from '../fixtures/needs.ts'

const skip = needs('userns') ?? false
const usnea = fileURLToPath(new URL('../../bin/usnea', import.meta.url))

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(usnea, args, { cwd: '/', encoding: 'utf8', timeout: 60_000 })
  return { status, stdout, stderr }
}

const listens = 'trap "echo asked; exit 3" TERM; while :; do sleep 0.05; done'
const deaf = 'trap "echo asked" TERM; while :; do sleep 0.05; done'

test('with grace a command is asked, and what it says is heard; the status is that of a time-out', { skip }, () => {
  assert.deepEqual(run('--timeout', '1s', '--grace', '30s', '--', 'sh', '-c', listens), {
    status: 124,
    stdout: 'asked\n',
    stderr: '',
  })
})

test('one that does not listen is killed after the grace; without grace at once', { skip }, () => {
  assert.deepEqual(run('--timeout', '1s', '--grace', '300ms', '--', 'sh', '-c', deaf), {
    status: 124,
    stdout: 'asked\n',
    stderr: '',
  })
  assert.deepEqual(run('--timeout', '1s', '--', 'sh', '-c', listens), { status: 124, stdout: '', stderr: '' })
})

test('limits and grace go together', { skip }, () => {
  const args = ['--timeout', '1s', '--grace', '30s', '--pids', '10', '--', 'sh', '-c', listens]
  assert.deepEqual(run(...args), { status: 124, stdout: 'asked\n', stderr: '' })
})

test('a program has it as the default of its sandbox', { skip }, async () => {
  await using box = sandbox({ cwd: '/', timeout: 500, grace: 100 })
  const result = await box.run(['sh', '-c', deaf], { reject: false })
  assert.deepEqual([result.timedOut, result.isForcefullyTerminated, result.stdout], [true, true, 'asked'])
})

test('what is no time is an error', { skip }, () => {
  assert.match(run('--grace', 'long', '--', 'true').stderr, /invalid value "long" for --grace/)
  for (const grace of [-1, Number.NaN, 2 ** 40]) assert.throws(() => sandbox({ grace }), { code: 'sandbox-option' })
})

test('signals that come while a command ends do not hide how it ended', { skip }, async () => {
  await using box = sandbox({ cwd: '/' })
  const once = async () => {
    const command = box.spawn(['sleep', '100'])
    for (let count = 0; count < 5; count++) {
      command.kill('SIGTERM')
      await nextTurn()
    }
    return (await command.exited).signal
  }
  for (let round = 0; round < 10; round++) {
    const ends = await Promise.all(Array.from({ length: 8 }, once))
    assert.deepEqual([...new Set(ends)], ['SIGTERM'])
  }
})
