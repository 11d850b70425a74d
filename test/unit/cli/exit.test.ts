import assert from 'node:assert/strict'
import { it } from 'node:test'
import { RuntimeError } from '../../../src/base/errors.ts'
import { describeFailure } from '../../../src/cli/exit.ts'

it('a foreseen error keeps its words, because callers match them', () => {
  const failure = describeFailure(new RuntimeError('container-missing'), 'kill')
  assert.deepEqual(failure, { message: 'container does not exist', status: 1, stack: undefined })
})

it('run and create fail with 1, also when the program is missing', () => {
  for (const verb of ['run', 'create', 'start'])
    assert.equal(describeFailure(new RuntimeError('exec-not-found'), verb).status, 1)
})

it('create and run say which of them failed, but not for a mistake in their options', () => {
  for (const verb of ['create', 'run'])
    assert.match(
      describeFailure(new RuntimeError('config-missing'), verb).message,
      new RegExp(`^usnea ${verb} failed: c`),
    )
  assert.match(describeFailure(new RuntimeError('usage'), 'run').message, /^incorrect usage/)
})

it('a program whose interpreter is missing has the words of execve for those who compare lines', () => {
  const error = new RuntimeError('exec-interpreter', { what: 'exec /run.sh', errno: 'ENOENT', why: 'w', origin: '/o' })
  const failure = describeFailure(error, 'run')
  assert.equal(failure.bare, 'exec /run.sh: no such file or directory')
  assert.equal(failure.message, 'usnea run failed: exec /run.sh: no such file or directory (/o); cause: w')
  assert.equal(describeFailure(error, 'start').bare, undefined)
  assert.equal(describeFailure(error, 'sandbox').status, 127)
})

it('exec fails with 255 and says that it was exec', () => {
  const failure = describeFailure(new RuntimeError('exec-stopped'), 'exec')
  assert.equal(failure.status, 255)
  assert.equal(failure.message, 'exec failed: cannot exec in a stopped container')
  assert.equal(describeFailure(new TypeError('x'), 'exec').status, 255)
  assert.equal(describeFailure(new RuntimeError('usage'), 'exec').status, 1)
})

it('a sandbox tells its own failures from those of the command', () => {
  const statuses = {
    'exec-not-found': 127,
    'exec-denied': 126,
    'exec-failed': 126,
    'userns-sysctl': 125,
    usage: 125,
  } as const
  for (const [code, status] of Object.entries(statuses)) {
    assert.equal(describeFailure(new RuntimeError(code as keyof typeof statuses), 'sandbox').status, status, code)
  }
})

it('an unforeseen exception is one line, and its stack is kept apart', () => {
  const thrown = new TypeError('x is\n  not a function')
  const { message, status, stack } = describeFailure(thrown, 'state')
  assert.match(message, /^internal error: x is not a function; fix: /)
  assert.equal(status, 1)
  assert.equal(stack, thrown.stack)
  assert.match(describeFailure('just text', undefined).message, /^internal error: just text/)
})
