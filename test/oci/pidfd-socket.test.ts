// Needs a static busybox and python3; --pidfd-socket: one message with one pidfd, which says whose it is.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import { listenForTerminal } from '../fixtures/terminal.ts'
import { succeeded, type World } from '../fixtures/world.ts'

let sockets = 0

async function expectPidfd(world: World, kind: string, call: (words: string[], pidFile: string) => Promise<void>) {
  const path = join(world.identity.home, `pidfd-${++sockets}`)
  await using listener = await listenForTerminal(`${path}.sock`)
  await call(['--pidfd-socket', `${path}.sock`, '--pid-file', `${path}.pid`], `${path}.pid`)
  const { data, rest, fds, process } = await listener.message()
  assert.deepEqual({ data, rest, fds }, { data: kind, rest: '', fds: ['anon_inode:[pidfd]'] })
  assert.equal(String(process), readFileSync(`${path}.pid`, 'utf8'))
}

testAs(
  { needs: ['python3'] },
  'create and run send a pidfd of the first process, exec one of its own',
  async (world) => {
    const bundle = await world.bundle((config) => {
      config.process.args = ['sleep', '1000']
    })
    const [created, run] = [world.newId(), world.newId()]
    await expectPidfd(world, 'standard', async (words) => {
      succeeded(await world.usnea(['create', ...words, '--bundle', bundle.path, created]))
    })
    await expectPidfd(world, 'standard', async (words) => {
      succeeded(await world.usnea(['run', '--detach', ...words, '--bundle', bundle.path, run]))
    })
    await expectPidfd(world, 'setns', async (words) => {
      succeeded(await world.usnea(['exec', '--detach', ...words, run, 'sleep', '1000']))
    })
    for (const id of [created, run]) succeeded(await world.usnea(['delete', '--force', id]))
  },
)
