// Needs a static busybox and gcc: a first thread that ends while others go on, so that its process looks like a zombie.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { readProcess } from '../../src/host/process.ts'
import { testAs } from '../fixtures/cases.ts'
import { sharedByRun } from '../fixtures/run-directory.ts'
import { until } from '../fixtures/until.ts'
import { succeeded, type World } from '../fixtures/world.ts'

const source = `
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>
static void *stay(void *unused) { for (;;) sleep(1000); }
int main(void) {
  pthread_t thread;
  if (pthread_create(&thread, 0, stay, 0) != 0) return 1;
  syscall(SYS_exit, 0);
}`

async function addLeaderless(rootfs: string): Promise<void> {
  const program = await sharedByRun('leaderless', (path) =>
    execFileSync('gcc', ['-static', '-pthread', '-O1', '-x', 'c', '-o', path, '-'], { input: source }),
  )
  copyFileSync(program, join(rootfs, 'bin/leaderless'))
}

async function stateOf(world: World, id: string): Promise<{ status: string; pid: number }> {
  return JSON.parse(succeeded(await world.usnea(['state', id])))
}

testAs(
  { needs: ['gcc'] },
  'a container whose first thread has ended is running, and delete takes it along',
  async (world) => {
    const id = world.newId()
    const bundle = await world.bundle((config) => {
      config.process.args = ['leaderless']
    })
    await addLeaderless(bundle.rootfs)
    succeeded(await world.usnea(['create', '--bundle', bundle.path, id]))
    const { pid } = await stateOf(world, id)
    succeeded(await world.usnea(['start', id]))
    await until('its first thread has ended', () => readProcess(pid)?.state === 'Z')
    assert.equal((await stateOf(world, id)).status, 'running')
    assert.equal((await world.usnea(['delete', id])).status, 1)
    succeeded(await world.usnea(['kill', id, 'KILL']))
    await until('it has stopped', async () => (await stateOf(world, id)).status === 'stopped')
    succeeded(await world.usnea(['delete', id]))
  },
)
