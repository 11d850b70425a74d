// Needs a static busybox: exec in a container that waits for its start, and what a process there can do to its init.
import assert from 'node:assert/strict'
import { chownSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import { isRoot } from '../fixtures/users.ts'
import { refused, succeeded } from '../fixtures/world.ts'

const everywhere = ['root', 'ranges', 'plain', 'nested', 'contained'] as const
const namespaces = [
  'sh',
  '-c',
  'for n in user ipc uts net pid cgroup mnt; do readlink /proc/self/ns/$n; done; id -u; hostname',
]

testAs(
  { as: everywhere },
  'exec enters all namespaces of a container that was created and not started',
  async (world) => {
    const id = world.newId()
    const bundle = await world.bundle((config) => {
      config.process.args = ['sleep', '1000']
    })
    succeeded(await world.usnea(['create', '--bundle', bundle.path, id]))
    const before = succeeded(await world.usnea(['exec', id, ...namespaces]))
    // Twice, because the first must not have used anything up.
    assert.equal(succeeded(await world.usnea(['exec', id, ...namespaces])), before)
    assert.equal(JSON.parse(succeeded(await world.usnea(['state', id]))).status, 'created')
    succeeded(await world.usnea(['start', id]))
    assert.equal(succeeded(await world.usnea(['exec', id, ...namespaces])), before)
    succeeded(await world.usnea(['delete', '--force', id]))
  },
)

const all = ['CAP_SYS_PTRACE', 'CAP_SYS_ADMIN', 'CAP_DAC_OVERRIDE', 'CAP_DAC_READ_SEARCH', 'CAP_CHOWN', 'CAP_KILL']
const attack = `
for f in environ maps mem auxv stack; do cat /proc/1/$f 2>/dev/null | head -c 1 | grep -q . && echo "read $f"; done
for l in exe cwd root ns/mnt ns/user; do readlink /proc/1/$l >/dev/null 2>&1 && echo "followed $l"; done
ls /proc/1/fd 2>/dev/null | grep -q . && echo "listed fd"
ls /proc/1/map_files 2>/dev/null | grep -q . && echo "listed map_files"
for n in 3 4 5 6 7 8 9 10 11 12; do [ -e /proc/1/fd/$n ] && echo "reached $n"; done
nsenter -t 1 -m true 2>/dev/null && echo "entered by name"
echo done`

testAs(
  { as: ['ranges', 'plain'] },
  'a process with every power inside looks into an init that waits for its start in no way',
  async (world) => {
    const id = world.newId()
    const bundle = await world.bundle((config) => {
      config.process.args = ['sleep', '1000']
      config.process.capabilities = { bounding: all, effective: all, permitted: all, inheritable: [], ambient: [] }
    })
    succeeded(await world.usnea(['create', '--bundle', bundle.path, id]))
    const { stdout, stderr } = await world.usnea(['exec', id, 'sh', '-c', attack])
    assert.equal(stdout, 'done\n', stderr)
    succeeded(await world.usnea(['start', id]))
    // The same attack finds a program open, so it is one.
    assert.match((await world.usnea(['exec', id, 'sh', '-c', attack])).stdout, /read maps.*followed exe.*listed fd/s)
    succeeded(await world.usnea(['delete', '--force', id]))
  },
)

testAs({ as: ['ranges'] }, 'whoever is not our init hands out nothing that is entered', async (world) => {
  const id = world.newId()
  const bundle = await world.bundle((config) => {
    config.process.args = ['sleep', '1000']
  })
  succeeded(await world.usnea(['create', '--bundle', bundle.path, id]))
  const door = join(world.state, id, 'answer', 'door')
  rmSync(door)
  const nobody = await world.usnea(['exec', id, 'true'])
  refused(nobody, /cannot exec in a container that has not been started.*usnea start/, 255)
  writeFileSync(door, 'no socket')
  refused(await world.usnea(['exec', id, 'true']), /has not been started/, 255)
  if (isRoot) {
    rmSync(door)
    const server = createServer((peer) => peer.end('user mnt')).listen(door)
    await new Promise((resolve) => server.once('listening', resolve))
    chownSync(door, world.identity.user.uid, world.identity.user.gid)
    refused(await world.usnea(['exec', id, 'true']), /init handed out something that is no namespace/, 255)
    server.close()
  }
  succeeded(await world.usnea(['delete', '--force', id]))
})
