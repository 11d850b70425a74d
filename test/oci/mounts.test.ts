// Needs a static busybox: what is mounted where, and with which options.
import assert from 'node:assert/strict'
import { chownSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { makeDirectory } from '../fixtures/as.ts'
import { testAs } from '../fixtures/cases.ts'
import type { MountEntry } from '../fixtures/config.ts'
import { inside, mountAt, mountsInside } from '../fixtures/inside.ts'
import { refused, succeeded, type World, writeConfig } from '../fixtures/world.ts'

let sources = 0

function sourceDirectory(world: World): string {
  const path = join(world.identity.home, `source-${++sources}`)
  makeDirectory(path, 0o755, world.identity.user)
  world.file(`source-${sources}/file`, 'from outside\n')
  return path
}

const also =
  (...mounts: MountEntry[]) =>
  (config: { mounts: MountEntry[] }) =>
    void config.mounts.push(...mounts)

testAs({}, 'a directory is bound, and what is written appears outside', async (world) => {
  const source = sourceDirectory(world)
  const mount = { destination: '/mnt', type: 'bind', source, options: ['rbind', 'rw'] }
  assert.equal(await inside(world, 'cat /mnt/file; echo back > /mnt/new', also(mount)), 'from outside')
  assert.equal(readFileSync(join(source, 'new'), 'utf8'), 'back\n')
})

testAs({}, 'a file is bound onto a file that is made for it', async (world) => {
  const source = join(sourceDirectory(world), 'file')
  const mount = { destination: '/etc/deep/er/file', type: 'bind', source, options: ['bind', 'ro'] }
  const output = await inside(
    world,
    'cat /etc/deep/er/file; (echo x > /etc/deep/er/file) 2>/dev/null || echo kept',
    also(mount),
  )
  assert.equal(output, 'from outside\nkept')
})

testAs({}, 'a relative source is taken from the bundle', async (world) => {
  const output = await inside(
    world,
    'cat /mnt/config.json',
    also({ destination: '/mnt', type: 'bind', source: '.', options: ['rbind'] }),
  )
  assert.equal(JSON.parse(output).hostname, 'boxed')
})

testAs({}, 'a bound directory that is to be read-only is, and the host’s stays writable', async (world) => {
  const source = sourceDirectory(world)
  const mount = { destination: '/mnt', type: 'bind', source, options: ['rbind', 'ro'] }
  assert.equal(await inside(world, 'touch /mnt/new 2>&1; true', also(mount)), 'touch: /mnt/new: Read-only file system')
  writeFileSync(join(source, 'still'), '')
})

testAs({}, 'the options of a mount are those of the configuration', async (world) => {
  const source = sourceDirectory(world)
  for (const option of ['nosuid', 'nodev', 'noexec', 'ro']) {
    const bind = { destination: '/mnt', type: 'bind', source, options: ['bind', option] }
    const tmpfs = { destination: '/home', type: 'tmpfs', source: 'tmpfs', options: [option] }
    const mounts = await mountsInside(world, also(bind, tmpfs))
    for (const target of ['/mnt', '/home'])
      assert.ok(mountAt(mounts, target).options.includes(option), `${option} on ${target}`)
  }
  // Only on a mount of its own: those of the host keep their access times in a user namespace.
  for (const option of ['noatime', 'nodiratime']) {
    const mounts = await mountsInside(
      world,
      also({ destination: '/home', type: 'tmpfs', source: 'tmpfs', options: [option] }),
    )
    assert.ok(mountAt(mounts, '/home').options.includes(option), option)
  }
})

testAs({}, 'data of a file system are handed on to it', async (world) => {
  const output = await inside(
    world,
    'stat -c %a /mnt; df -k /mnt | tail -1',
    also({ destination: '/mnt', type: 'tmpfs', source: 'tmpfs', options: ['size=1m', 'mode=1700'] }),
  )
  assert.match(output, /^1700\ntmpfs\s+1024\s/)
})

testAs({}, 'an unknown option that the file system refuses is an error', async (world) => {
  const bundle = await world.bundle(
    also({ destination: '/mnt', type: 'tmpfs', source: 'tmpfs', options: ['frobnicate'] }),
  )
  refused(await world.usnea(['run', '--bundle', bundle.path, world.newId()]), /\/mnt/)
})

testAs({}, 'rro makes read-only what is mounted below, ro only the top', async (world) => {
  // A mount that another one lies on: /dev of the machine has several.
  const below = async (option: string) => {
    const mounts = await mountsInside(
      world,
      also({ destination: '/mnt', type: 'bind', source: '/dev', options: ['rbind', option] }),
    )
    assert.ok(mountAt(mounts, '/mnt').options.includes('ro'))
    return mounts.filter(({ target }) => target.startsWith('/mnt/'))
  }
  assert.ok((await below('rro')).every(({ options }) => options.includes('ro')))
  assert.ok((await below('ro')).some(({ options }) => options.includes('rw')))
})

testAs({}, 'the propagation of a mount is what the configuration says', async (world) => {
  const source = sourceDirectory(world)
  const at = async (option: string) => {
    const mount = { destination: '/mnt', type: 'bind', source, options: ['rbind', option] }
    return mountAt(await mountsInside(world, also(mount)), '/mnt').propagation.map((text) => text.replace(/:\d+/, ''))
  }
  assert.deepEqual(await at('private'), [])
  assert.deepEqual(await at('unbindable'), ['unbindable'])
  assert.ok((await at('shared')).includes('shared'))
})

testAs({}, 'the propagation of the root reaches all mounts but those that have one of their own', async (world) => {
  const source = sourceDirectory(world)
  const mount = (name: string) => ({ destination: `/${name}`, type: 'bind', source, options: ['rbind', name] })
  const seen = async (rootfsPropagation: string) => {
    const mounts = await mountsInside(world, (config) => {
      config.mounts.push(mount('rshared'), mount('rprivate'))
      config.linux.rootfsPropagation = rootfsPropagation
    })
    return ['/', '/proc', '/rshared', '/rprivate'].map((path) =>
      mountAt(mounts, path).propagation.some((text) => text.startsWith('shared:')),
    )
  }
  assert.deepEqual(await seen('rshared'), [true, true, true, false])
  assert.deepEqual(await seen('shared'), [true, false, true, false])
  for (const kind of ['rslave', 'rprivate', 'runbindable'])
    assert.deepEqual(await seen(kind), [false, false, true, false], kind)
})

testAs({ as: ['root'] }, 'as root, a source in a closed directory is bound into a user namespace', async (world) => {
  const closed = join(world.identity.home, `closed-${++sources}`)
  makeDirectory(join(closed, 'volume'), 0o755, world.identity.user)
  makeDirectory(closed, 0o700, world.identity.user)
  writeFileSync(join(closed, 'volume/file'), 'from outside\n')
  const bundle = await world.bundle((config) => {
    config.linux.namespaces.unshift({ type: 'user' })
    config.linux.uidMappings = [{ containerID: 0, hostID: 1_000_000, size: 65_536 }]
    config.linux.gidMappings = [{ containerID: 0, hostID: 1_000_000, size: 65_536 }]
    config.mounts.push({ destination: '/mnt', type: 'bind', source: join(closed, 'volume'), options: ['bind', 'ro'] })
    config.process.args = ['sh', '-c', 'cat /mnt/file; grep -c " /mnt [^ ]* ro," /proc/self/mounts']
  })
  chownSync(bundle.rootfs, 1_000_000, 1_000_000)
  assert.equal(succeeded(await world.usnea(['run', '--bundle', bundle.path, world.newId()])), 'from outside\n1\n')
})

testAs({}, 'a destination that names the root on the host means the place in it', async (world) => {
  const bundle = await world.bundle((config) => {
    config.process.args = ['sh', '-c', 'grep -c "^there /mnt " /proc/self/mounts']
  })
  bundle.config.mounts.push({ destination: join(bundle.rootfs, 'mnt'), type: 'tmpfs', source: 'there' })
  writeConfig(bundle, world.identity)
  assert.equal(succeeded(await world.usnea(['run', '--bundle', bundle.path, world.newId()])), '1\n')
})

testAs({}, 'a read-only root is, and mounts on it need not be', async (world) => {
  const output = await inside(world, 'touch /a 2>&1; touch /tmp/b && echo fine', (config) => {
    config.root.readonly = true
    config.mounts.push({ destination: '/tmp', type: 'tmpfs', source: 'tmpfs' })
  })
  assert.equal(output, 'touch: /a: Read-only file system\nfine')
})

testAs({}, 'mounts are made in the order of the list', async (world) => {
  const first = { destination: '/mnt', type: 'tmpfs', source: 'first' }
  const second = { destination: '/mnt/below', type: 'tmpfs', source: 'second' }
  const mounts = await mountsInside(world, also(first, second, { ...first, source: 'third' }))
  assert.equal(mountAt(mounts, '/mnt').source, 'third')
})

testAs({}, 'a destination may hold dots and double slashes, and stays inside', async (world) => {
  const mounts = await mountsInside(
    world,
    also({ destination: '//mnt/../home/./../../../home//x', type: 'tmpfs', source: 'dots' }),
  )
  assert.equal(mountAt(mounts, '/home/x').source, 'dots')
})

testAs({}, 'mounts of the container do not appear on the host', async (world) => {
  await mountsInside(world, also({ destination: '/mnt', type: 'tmpfs', source: `only-${world.identity.name}` }))
  assert.ok(!readFileSync('/proc/self/mountinfo', 'utf8').includes(`only-${world.identity.name}`))
})

testAs(
  { as: ['contained'] },
  'where a fresh proc is refused the outer one is bound, and the program still runs',
  async (world) => {
    const bundle = await world.bundle((config) => {
      config.process.args = ['sh', '-c', 'test -e /proc/self/status && echo there']
    })
    const outcome = await world.usnea(['run', '--bundle', bundle.path, world.newId()])
    assert.equal(outcome.stdout, 'there\n', outcome.stderr)
  },
)

testAs({}, 'an overlay shows both layers and writes to the upper one, in a user namespace as well', async (world) => {
  const part = (name: string) => {
    const path = join(world.identity.home, `overlay-${++sources}-${name}`)
    makeDirectory(path, 0o755, world.identity.user)
    return path
  }
  const [lower, upper, work] = [part('lower'), part('upper'), part('work')]
  for (const name of ['kept', 'removed', 'changed']) world.file(`${basename(lower)}/${name}`, `lower ${name}\n`)
  const options = [`lowerdir=${lower}`, `upperdir=${upper}`, `workdir=${work}`, 'userxattr']
  const output = await inside(
    world,
    'cd /mnt && rm removed && echo new > changed && mkdir folder && ls && cat kept',
    also({ destination: '/mnt', type: 'overlay', source: 'overlay', options }),
  )
  assert.equal(output, 'changed\nfolder\nkept\nlower kept')
  assert.equal(readFileSync(join(upper, 'changed'), 'utf8'), 'new\n')
  assert.equal(readFileSync(join(lower, 'changed'), 'utf8'), 'lower changed\n')
})
