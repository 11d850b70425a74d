// Needs a static busybox: the flags of a bind beside those of its source, without and with a user namespace.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeDirectory } from '../fixtures/as.ts'
import { testAs } from '../fixtures/cases.ts'
import { refused, succeeded, type World } from '../fixtures/world.ts'

/** A tmpfs with these flags in a mount namespace of its own, and around it a run that tells the flags of its bind. */
async function bindOf(world: World, flags: string, options: string, { userNamespace = false, mayMiss = '' } = {}) {
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
  return await world.usnea(['--allow-missing', mayMiss, 'run', '--bundle', bundle.path, world.newId()], { through })
}

const interesting = ['ro', 'nosuid', 'nodev', 'noexec', 'noatime', 'nodiratime', 'relatime']

async function flagsOf(world: World, flags: string, options: string, userNamespace = false): Promise<string> {
  const { stdout, stderr } = await bindOf(world, flags, options, { userNamespace })
  assert.notEqual(stdout, '', stderr)
  return named(stdout)
}

const named = (stdout: string): string => interesting.filter((name) => stdout.trim().split(',').includes(name)).join()

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
      const outcome = await bindOf(world, flags, options, { userNamespace: true })
      assert.equal(outcome.stdout, '', `${options} of ${flags}`)
      refused(outcome, /error mounting to rootfs at .*mnt.*: cannot set .*: operation not permitted/)
    }
  },
)

testAs(
  { as: ['root'] },
  'locked access times stay where the caller lets them, which is told; the flags that are locked do not',
  async (world) => {
    for (const [flags, options, found] of [
      ['nodiratime', 'bind,strictatime', 'nodiratime,relatime'],
      ['relatime', 'bind,ro,noatime', 'ro,relatime'],
    ] as const) {
      const { stdout, stderr } = await bindOf(world, flags, options, { userNamespace: true, mayMiss: 'atime' })
      assert.equal(named(stdout), found, `${options} of ${flags}`)
      assert.match(stderr, /the access times of \/mnt stay .*--allow-missing says so \(\/mounts\/\d+\)/)
    }
    const quiet = await bindOf(world, 'relatime', 'bind,noexec', { userNamespace: true, mayMiss: 'atime' })
    assert.equal(named(quiet.stdout), 'noexec,relatime')
    assert.doesNotMatch(quiet.stderr, /access times/)
    const locked = await bindOf(world, 'ro', 'bind,rw,strictatime', { userNamespace: true, mayMiss: 'atime' })
    assert.equal(locked.stdout, '')
    refused(locked, /operation not permitted/)
  },
)

const rootIsRelatime = /^\S+ \/ \S+ \S*relatime/m.test(readFileSync('/proc/self/mounts', 'utf8'))

testAs(
  { as: ['ranges', 'plain'], skip: rootIsRelatime ? undefined : 'needs a root file system with relatime' },
  'a user gets the access times of the host, or an error, and the state remembers which',
  async (world) => {
    for (const options of [
      ['bind', 'strictatime'],
      ['rbind', 'rnoatime'],
    ]) {
      const bundle = await world.bundle((config) => {
        config.mounts.push({ destination: '/mnt', type: 'bind', source: '/usr', options })
      })
      const create = () => ['create', '--bundle', bundle.path, world.newId()]
      refused(await world.usnea(create()), /error mounting .*mnt.*operation not permitted.*--allow-missing atime/s)
      const id = world.newId()
      succeeded(await world.usnea(['--allow-missing', 'apparmor,atime', 'create', '--bundle', bundle.path, id]))
      const record = JSON.parse(readFileSync(join(world.state, id, 'state.json'), 'utf8'))
      const messages: string[] = record.degradations.map(({ message }: { message: string }) => message)
      assert.equal(messages.filter((text) => text.startsWith('the access times of /mnt stay')).length, 1)
      succeeded(await world.usnea(['delete', '--force', id]))
    }
  },
)
