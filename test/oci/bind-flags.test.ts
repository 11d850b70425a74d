// Needs a static busybox: the flags of a bind beside those of its source, without and with a user namespace.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { makeDirectory } from '../fixtures/as.ts'
import { testAs } from '../fixtures/cases.ts'
import { refused, type World } from '../fixtures/world.ts'

/** A tmpfs with these flags in a mount namespace of its own, and around it a run that tells the flags of its bind. */
async function bindOf(world: World, flags: string, options: string, userNamespace: boolean) {
  const source = join(world.identity.home, 'flagged')
  makeDirectory(source, 0o755, world.identity.user)
  const bundle = await world.bundle((config) => {
    config.process.args = ['awk', '$2 == "/mnt" { print $4 }', '/proc/self/mounts']
    config.mounts.push({ destination: '/mnt', type: 'bind', source, options: options.split(',') })
    if (!userNamespace) return
    config.linux.namespaces.push({ type: 'user' })
    config.linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }]
    config.linux.gidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }]
  })
  const prepare = `mount -t tmpfs none ${source} && mount -o remount,bind,${flags} ${source} && exec "$@"`
  const through = ['unshare', '-m', 'sh', '-c', prepare, 'sh']
  return await world.usnea(['run', '--bundle', bundle.path, world.newId()], { through })
}

const interesting = ['ro', 'nosuid', 'nodev', 'noexec', 'noatime', 'nodiratime', 'relatime']

async function flagsOf(world: World, flags: string, options: string, userNamespace = false): Promise<string> {
  const { stdout, stderr } = await bindOf(world, flags, options, userNamespace)
  const found = stdout.trim().split(',')
  assert.notEqual(stdout, '', stderr)
  return interesting.filter((name) => found.includes(name)).join()
}

testAs({ as: ['root'] }, 'a bind has the flags that it names, or those of its source', async (world) => {
  // Device rules hold here or do not; where they do not, a bind is nodev too.
  for (const [flags, options, found] of [
    ['ro,noexec,nodiratime', 'bind,rprivate', 'ro,noexec,nodiratime,relatime'],
    ['ro,noexec,nodiratime', 'bind,suid', 'nodiratime,relatime'],
    ['ro', 'bind,nosuid,nodev', 'nosuid,nodev,relatime'],
    ['nosuid,nodev,noexec,noatime', 'bind,ro', 'ro,noatime'],
    ['noatime', 'bind,atime', 'noatime'],
    ['noatime', 'bind,relatime', 'relatime'],
    ['noatime', 'bind,nodiratime', 'nodiratime,relatime'],
    ['nodiratime', 'bind,strictatime', ''],
    ['nosuid', 'rbind,rro,noexec', 'ro,noexec,relatime'],
  ] as const)
    assert.equal(
      (await flagsOf(world, flags, options)).replace(/nodev,?/, ''),
      found.replace(/nodev,?/, ''),
      `${options} of ${flags}`,
    )
})

testAs(
  { as: ['root'] },
  'in a user namespace a bind keeps what its source has, and losing it by name is an error',
  async (world) => {
    for (const [flags, options, found] of [
      ['ro,noexec,nodiratime', 'bind,dev', 'ro,noexec,nodiratime,relatime'],
      ['ro', 'bind,nosuid,nodev', 'ro,nosuid,nodev,relatime'],
      ['nosuid,nodev,noatime', 'bind,ro,exec', 'ro,nosuid,nodev,noatime'],
      ['noatime', 'bind,atime', 'noatime'],
    ] as const)
      assert.equal(await flagsOf(world, flags, options, true), found, `${options} of ${flags}`)
    for (const [flags, options] of [
      ['ro', 'bind,rw'],
      ['nosuid', 'bind,suid'],
      ['nodiratime', 'bind,strictatime'],
      ['relatime', 'bind,noatime'],
    ] as const) {
      const outcome = await bindOf(world, flags, options, true)
      assert.equal(outcome.stdout, '', `${options} of ${flags}`)
      refused(outcome, /error mounting to rootfs at .*mnt.*: cannot set .*: operation not permitted/)
    }
  },
)
