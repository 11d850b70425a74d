// Needs a static busybox: no working directory leads out of the container, not even through a descriptor.
import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import { placeVictim } from '../fixtures/victim.ts'
import { type Outcome, succeeded, writeConfig } from '../fixtures/world.ts'

/** What a program tells of its directory. Seen from a place outside of the root, getcwd(2) says so or fails. */
const look = 'pwd -P; ls -la . .. ../.. 2>/dev/null; cat ../../../../../../../../etc/hostname 2>/dev/null; true'
const outside = /unreachable|secret|\bboot\b|lost\+found|vmlinuz/

/** Either refused, or inside. */
function assertInside(outcome: Outcome, directory: string): void {
  if (outcome.status !== 0 && outcome.stdout === '') return
  assert.doesNotMatch(outcome.stdout, outside, `with ${directory}: ${outcome.stdout}`)
}

/** Descriptors of init, of us, and of nobody. */
const numbers = Array.from({ length: 12 }, (_, n) => n + 3)

testAs({}, 'no descriptor serves as a working directory outside of the root', async (world) => {
  const bundle = await world.bundle((config) => {
    config.process.args = ['sh', '-c', look]
  })
  const paths = numbers.flatMap((number) => [`/proc/self/fd/${number}`, `/proc/thread-self/fd/${number}/../..`])
  succeeded(await world.usnea(['run', '--bundle', bundle.path, world.newId()]))
  for (const cwd of [...paths, '/proc/1/fd/5', '/proc/1/fd/7', '/proc/self/fd/5/new']) {
    bundle.config.process.cwd = cwd
    writeConfig(bundle, world.identity)
    assertInside(await world.usnea(['run', '--bundle', bundle.path, world.newId()]), cwd)
  }
})

testAs({}, 'no link of the image serves as a working directory outside of the root', async (world) => {
  const victim = placeVictim(world)
  const bundle = await world.bundle((config) => {
    config.process.args = ['sh', '-c', look]
  })
  succeeded(await world.usnea(['run', '--bundle', bundle.path, world.newId()]))
  symlinkSync('/proc/self/fd/7', join(bundle.rootfs, 'home/seven'))
  symlinkSync(victim.path, join(bundle.rootfs, 'home/absolute'))
  symlinkSync(`../../../../../../../..${victim.path}`, join(bundle.rootfs, 'home/dots'))
  for (const cwd of [
    '/home/seven',
    '/home/absolute',
    '/home/dots',
    '/home/absolute/new/deeper',
    '/home/dots/new',
    '/proc/1/root',
    '/proc/1/cwd',
    '/proc/self/root/..',
  ]) {
    bundle.config.process.cwd = cwd
    writeConfig(bundle, world.identity)
    assertInside(await world.usnea(['run', '--bundle', bundle.path, world.newId()]), cwd)
    victim.assertUntouched()
  }
})

testAs({}, 'no working directory of an exec leads out', async (world) => {
  const bundle = await world.bundle((config) => {
    config.process.args = ['sleep', '1000']
  })
  const id = world.newId()
  mkdirSync(join(bundle.rootfs, 'home/links'))
  for (const number of numbers) symlinkSync(`/proc/self/fd/${number}`, join(bundle.rootfs, `home/links/${number}`))
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
  succeeded(await world.usnea(['exec', '--cwd', '/tmp', id, 'sh', '-c', look]))
  for (const number of numbers) {
    for (const cwd of [`/proc/self/fd/${number}`, `/home/links/${number}`]) {
      assertInside(await world.usnea(['exec', '--cwd', cwd, id, 'sh', '-c', look]), cwd)
    }
  }
  succeeded(await world.usnea(['delete', '--force', id]))
})
