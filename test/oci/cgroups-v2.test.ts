// Needs root, a cgroup2 tree beside v1, unshare, nsenter and a static busybox: the same machine seen as one that has v2 alone.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import { ownCgroups, removeCgroup, whyNoCgroup } from '../fixtures/cgroups.ts'
import { until } from '../fixtures/until.ts'
import { refused, succeeded } from '../fixtures/world.ts'

const trees = ownCgroups()
const unified = trees.find(({ version }) => version === 2)
const skip =
  whyNoCgroup() ??
  (unified === undefined ? 'needs a cgroup2 tree' : undefined) ??
  (trees.some(({ version }) => version === 1) ? undefined : 'v2 is all there is here: the other tests show it')

interface View extends Disposable {
  /** What a command is run through to have it. */
  readonly through: readonly string[]
}

/**
 * A cgroup namespace whose root is above whoever is in it, and of all trees only v2 at the usual place. A process holds it:
 * once a controller is on below `top`, nobody can be in `top` itself to make another (cgroups(7), no internal processes).
 */
async function openView(top: string): Promise<View> {
  const inside = `echo $$ > ${top}/init/cgroup.procs && mount -t cgroup2 cgroup2 /sys/fs/cgroup && echo ready && exec sleep 1000`
  const enter = `echo $$ > ${top}/cgroup.procs && exec unshare --cgroup sh -c '${inside}'`
  const holder = spawn('unshare', ['--mount', 'sh', '-c', enter], { stdio: ['ignore', 'pipe', 'inherit'] })
  assert.equal(String((await once(holder.stdout, 'data'))[0]), 'ready\n')
  const nsenter = `echo $$ > ${top}/init/cgroup.procs && exec nsenter --mount --cgroup --wd="$PWD" --target ${holder.pid} "$@"`
  return { through: ['sh', '-c', nsenter, 'sh'], [Symbol.dispose]: () => void holder.kill('SIGKILL') }
}

testAs(
  { as: ['root'], needs: ['unshare'], skip },
  'on v2 alone a container lives, is guarded and is frozen',
  async (world) => {
    const top = join(unified?.path ?? '', `usnea-${randomBytes(4).toString('hex')}`)
    mkdirSync(join(top, 'init'), { recursive: true })
    const through = await openView(top)
    const id = world.newId()
    try {
      const bundle = await world.bundle((config) => {
        config.process.args = [
          'sh',
          '-c',
          'mknod /dev/made c 1 11; (: > /dev/made) || echo refused > /tmp/said; sleep 1000',
        ]
        config.linux.namespaces.push({ type: 'cgroup' })
        config.mounts.push({ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['rw'] })
        Object.assign(config.linux, { resources: { unified: { 'cgroup.max.depth': '3' } } })
      })
      succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id], through))
      assert.equal(readFileSync(join(top, id, 'cgroup.max.depth'), 'utf8'), '3\n')
      const said = async () => (await world.usnea(['exec', id, 'cat', '/tmp/said'], through)).stdout
      await until('the device was refused', async () => (await said()) === 'refused\n')
      assert.equal(
        succeeded(await world.usnea(['exec', id, 'cat', '/proc/self/cgroup'], through)).match(/^0::\/$/m)?.length,
        1,
      )

      succeeded(await world.usnea(['exec', id, 'mkdir', '/sys/fs/cgroup/sub'], through))
      const sub = ['exec', '--cgroup', 'sub', id, 'cat', '/proc/self/cgroup']
      assert.match(succeeded(await world.usnea(sub, through)), /^0::\/sub$/m)

      succeeded(await world.usnea(['pause', id], through))
      assert.equal(readFileSync(join(top, id, 'cgroup.freeze'), 'utf8'), '1\n')
      refused(await world.usnea(['exec', id, 'true'], through), /cannot exec in a paused container/, 255)
      succeeded(await world.usnea(['resume', id], through))
      assert.equal(JSON.parse(succeeded(await world.usnea(['events', '--stats', id], through))).type, 'stats')
      refused(
        await world.usnea(['update', '--memory', '64m', id], through),
        /cannot set memory limit|cannot set the memory limit/,
      )

      succeeded(await world.usnea(['delete', '--force', id], through))
      assert.equal(existsSync(join(top, id)), false)
    } finally {
      through[Symbol.dispose]()
      await until('its processes have ended', async () => readFileSync(join(top, 'init/cgroup.procs'), 'utf8') === '')
      removeCgroup(top)
    }
  },
)

testAs(
  { as: ['root'], needs: ['unshare'], skip },
  'root of a container with a user namespace owns a cgroup that it may write to, and no other',
  async (world) => {
    const top = join(unified?.path ?? '', `usnea-${randomBytes(4).toString('hex')}`)
    mkdirSync(join(top, 'init'), { recursive: true })
    const through = await openView(top)
    const look = async (options: string[], namespaces: readonly string[]) => {
      const id = world.newId()
      const bundle = await world.bundle((config) => {
        const script =
          'stat -c %u /sys/fs/cgroup /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/cgroup.freeze; mkdir /sys/fs/cgroup/sub'
        config.process.args = ['sh', '-c', script]
        config.linux.namespaces.push(...namespaces.map((type) => ({ type })))
        const ids = [{ containerID: 0, hostID: 100_000, size: 65_536 }]
        Object.assign(config.linux, { uidMappings: ids, gidMappings: ids })
        config.mounts.push({ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options })
      })
      return world.usnea(['run', '--bundle', bundle.path, id], through)
    }
    try {
      const owned = await look(['rw'], ['user', 'cgroup'])
      assert.equal(owned.stdout, '0\n0\n65534\n', owned.stderr)
      assert.equal(owned.status, 0, owned.stderr)
      for (const foreign of [await look(['ro'], ['user', 'cgroup']), await look(['rw'], ['user'])]) {
        assert.equal(foreign.stdout, '65534\n65534\n65534\n', foreign.stderr)
        assert.notEqual(foreign.status, 0)
      }
    } finally {
      through[Symbol.dispose]()
      await until('its processes have ended', async () => readFileSync(join(top, 'init/cgroup.procs'), 'utf8') === '')
      removeCgroup(top)
    }
  },
)
