// Running programs: both ways give the same result for everything that can happen to a program.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { run, runShort } from '../../../src/base/run.ts'

const script = (text: string) => ['-c', text] as const

for (const [name, start] of [
  ['run', run],
  ['runShort', runShort],
] as const) {
  test(`${name} gives status and both outputs without their last newline`, async () => {
    const result = await start('/bin/sh', script('echo out; echo err >&2; exit 3'))
    assert.deepEqual(result, {
      status: 3,
      signal: undefined,
      errno: undefined,
      timedOut: false,
      stdout: 'out',
      stderr: 'err',
    })
    assert.equal((await start('/bin/sh', script('exit 0'))).status, 0)
  })

  test(`${name} passes nothing of our environment on`, async () => {
    process.env.USNEA_TEST_SECRET = 'x'
    const { stdout } = await start('/usr/bin/env', [], { env: { GIVEN: 'y' } })
    delete process.env.USNEA_TEST_SECRET
    assert.equal(stdout, 'GIVEN=y')
  })

  test(`${name} tells a program that cannot be started`, async () => {
    const { status, errno } = await start('/nonexistent/program', [])
    assert.equal(status, undefined)
    assert.equal(errno, 'ENOENT')
  })

  test(`${name} tells a program that was killed by a signal`, async () => {
    const { status, signal, timedOut } = await start('/bin/sh', script('kill -TERM $$'))
    assert.deepEqual([status, signal, timedOut], [undefined, 'SIGTERM', false])
  })

  test(`${name} ends a program that takes too long, and says so`, async () => {
    const { status, timedOut } = await start('/bin/sleep', ['20'], { timeout: 100 })
    assert.deepEqual([status, timedOut], [undefined, true])
  })

  test(`${name} gives the program no input to wait for`, async () => {
    assert.equal((await start('/bin/cat', [], { timeout: 5000 })).status, 0)
  })
}

test('run feeds the input and starts in the directory it was given', async () => {
  const { stdout } = await run('/bin/sh', script('cat; pwd'), { input: 'fed ', cwd: '/' })
  assert.equal(stdout, 'fed /')
})
