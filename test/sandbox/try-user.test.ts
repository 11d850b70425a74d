/** A user without any privilege tries something, and what the command closed to its owner is read, applied and removed. */
import assert from 'node:assert/strict'
import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { whyNot } from '../fixtures/as.ts'
import { openWorld } from '../fixtures/world.ts'

test('as a plain user: diff, apply and discard, with closed directories and files', {
  skip: whyNot('plain') ?? false,
}, async () => {
  await using world = await openWorld('plain')
  const { home, user } = world.identity
  const cwd = join(home, 'work')
  const state = join(home, 'layers')
  for (const path of [cwd, state]) {
    mkdirSync(path)
    chownSync(path, user.uid, user.gid)
  }
  const call = (...args: string[]) => world.usnea(args, { cwd, env: { XDG_STATE_HOME: state, PATH: '/usr/bin:/bin' } })
  const script = 'mkdir -p a/b; echo x > a/b/f; echo y > shut; chmod 0 a/b/f a/b a shut'
  const tried = await call('try', '--', 'sh', '-ec', script)
  assert.equal(tried.status, 0, tried.stderr)
  assert.match(tried.stderr, /\(overlay\): 4 added/)
  assert.deepEqual(readdirSync(cwd), [])
  assert.match((await call('diff')).stdout, /A .*\/a\/b\/f/)
  const { status, stderr } = await call('apply')
  assert.equal(status, 0, stderr)
  assert.equal(lstatSync(join(cwd, 'a')).mode & 0o777, 0)
  assert.equal(lstatSync(join(cwd, 'shut')).mode & 0o777, 0)
  await call('try', '--layer', 'gone', '--', 'sh', '-ec', 'mkdir -p c/d; echo x > c/d/e; chmod 0 c/d c')
  assert.equal((await call('discard')).status, 0)
  assert.deepEqual(readdirSync(join(state, 'usnea/layers')), [])
  for (const path of ['a', 'a/b']) chmodSync(join(cwd, path), 0o700)
})
