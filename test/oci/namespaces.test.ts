// Needs a static busybox: namespaces that are made, joined and left out.
import assert from 'node:assert/strict'
import { readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import type { Config } from '../fixtures/config.ts'
import { inside } from '../fixtures/inside.ts'
import { refused, succeeded, type World } from '../fixtures/world.ts'

/** The files of /proc/PID/ns, with the names that the specification has for them. */
const files = {
  pid: 'pid',
  network: 'net',
  mount: 'mnt',
  ipc: 'ipc',
  uts: 'uts',
  user: 'user',
  cgroup: 'cgroup',
  time: 'time',
} as const
type Kind = keyof typeof files

async function linksInside(world: World, patch?: (config: Config) => void): Promise<Record<string, string>> {
  const text = await inside(world, 'cd /proc/self/ns; for f in *; do echo $f $(readlink $f); done', patch)
  return Object.fromEntries(text.split('\n').map((line) => line.split(' ') as [string, string]))
}

const add =
  (...types: Kind[]) =>
  (config: Config) => {
    for (const type of types)
      if (!config.linux.namespaces.some((found) => found.type === type)) config.linux.namespaces.push({ type })
  }

testAs({}, 'every namespace of the configuration is a new one, all others are shared', async (world) => {
  const links = await linksInside(world)
  const wanted = ['pid', 'network', 'mount', 'ipc', 'uts', ...(world.identity.userNamespace ? ['user'] : [])]
  for (const [kind, file] of Object.entries(files)) {
    const ours = readlinkSync(`/proc/self/ns/${file}`)
    if (wanted.includes(kind)) assert.notEqual(links[file], ours, kind)
    else assert.equal(links[file], ours, kind)
  }
})

testAs({ needs: ['time-namespace'] }, 'all eight namespaces can be made together', async (world) => {
  const links = await linksInside(world, (config) => {
    add('user', 'cgroup', 'time')(config)
    if (world.identity.name === 'root') {
      const map = [{ containerID: 0, hostID: 0, size: 1000 }]
      Object.assign(config.linux, { uidMappings: map, gidMappings: map })
    }
  })
  for (const file of Object.values(files)) assert.notEqual(links[file], readlinkSync(`/proc/self/ns/${file}`), file)
})

testAs({ needs: ['time-namespace'] }, 'the clocks of a time namespace are offset', async (world) => {
  const patch = (config: Config) => {
    add('time')(config)
    config.linux.timeOffsets = { monotonic: { secs: 1_000_000, nanosecs: 5 }, boottime: { secs: 2_000_000 } }
  }
  const offsets = await inside(world, 'tr -s " " < /proc/self/timens_offsets', patch)
  assert.equal(offsets, 'monotonic 1000000 5\nboottime 2000000 0')
  assert.ok(Number.parseFloat(await inside(world, 'cat /proc/uptime', patch)) > 2_000_000)
})

testAs({ needs: ['time-namespace'] }, 'time offsets without a time namespace are refused', async (world) => {
  const bundle = await world.bundle((config) => {
    config.linux.timeOffsets = { boottime: { secs: 1 } }
  })
  refused(await world.usnea(['create', '--bundle', bundle.path, world.newId()]), /timeOffsets/)
})

testAs({}, 'the namespaces of another container can be joined by path', async (world) => {
  const [first, second] = [world.newId(), world.newId()]
  const kinds: Kind[] = ['network', 'ipc', 'uts', ...(world.identity.userNamespace ? (['user'] as const) : [])]
  const bundle = await world.bundle((config) => {
    config.process.args = ['sleep', '1000']
    config.hostname = 'joined'
  })
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, first]))
  const { pid } = JSON.parse(succeeded(await world.usnea(['state', first])))
  const other = await world.bundle((config) => {
    delete config.hostname
    delete config.linux.uidMappings
    delete config.linux.gidMappings
    for (const namespace of config.linux.namespaces) {
      const kind = kinds.find((name) => name === namespace.type)
      if (kind !== undefined) namespace.path = `/proc/${pid}/ns/${files[kind]}`
    }
    config.process.args = [
      'sh',
      '-c',
      `hostname; ${kinds.map((kind) => `readlink /proc/self/ns/${files[kind]}`).join('; ')}`,
    ]
  })
  const output = succeeded(await world.usnea(['run', '--bundle', other.path, second]))
  const links = kinds.map((kind) => readlinkSync(`/proc/${pid}/ns/${files[kind]}`))
  assert.deepEqual(output.trim().split('\n'), ['joined', ...links])
  succeeded(await world.usnea(['delete', '--force', first]))
})

testAs({}, 'a namespace path that does not exist, or is of another kind, is refused', async (world) => {
  for (const path of ['/proc/self/ns/nothing', '/proc/self/ns/ipc', '/etc/passwd']) {
    const bundle = await world.bundle((config) => {
      for (const namespace of config.linux.namespaces) if (namespace.type === 'network') namespace.path = path
    })
    refused(await world.usnea(['create', '--bundle', bundle.path, world.newId()]), /namespace/)
    await world.nothingLeft()
  }
})

testAs(
  { as: ['root', 'ranges'] },
  'where the mount namespace is another one nothing is mounted in it',
  async (world) => {
    const paths = [undefined, `/proc/${process.pid}/ns/mnt`].slice(0, world.identity.name === 'root' ? 2 : 1)
    for (const path of paths) {
      const id = world.newId()
      const bundle = await world.bundle((config) => {
        config.process.args = ['sleep', '1000']
        config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'mount')
        if (path !== undefined) config.linux.namespaces.push({ type: 'mount', path })
        config.linux.maskedPaths = []
        config.linux.readonlyPaths = []
      })
      const created = await world.usnea(['run', '--detach', '--bundle', bundle.path, id])
      assert.equal(created.status, 0, created.stderr)
      assert.match(created.stderr, /not applied: .*\/mounts/)
      const { pid } = JSON.parse(succeeded(await world.usnea(['state', id])))
      assert.equal(readlinkSync(`/proc/${pid}/ns/mnt`), readlinkSync('/proc/self/ns/mnt'))
      assert.equal(readlinkSync(`/proc/${pid}/root`), bundle.rootfs)
      assert.doesNotMatch(readFileSync('/proc/self/mounts', 'utf8'), new RegExp(bundle.rootfs))
      refused(await world.usnea(['exec', id, 'true']), /mount namespace/, 255)
      succeeded(await world.usnea(['delete', '--force', id]))
    }
  },
)

testAs({}, 'host name and domain name are those of the configuration', async (world) => {
  const output = await inside(world, 'hostname; cat /proc/sys/kernel/domainname', (config) => {
    config.hostname = 'some.host'
    config.domainname = 'example.org'
  })
  assert.equal(output, 'some.host\nexample.org')
})

testAs({}, 'a host name without a uts namespace is refused', async (world) => {
  const bundle = await world.bundle((config) => {
    config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'uts')
  })
  refused(await world.usnea(['create', '--bundle', bundle.path, world.newId()]), /hostname|host name/)
})

testAs({}, 'sysctls of its own namespaces are set, others are refused', async (world) => {
  const output = await inside(world, 'cat /proc/sys/net/ipv4/ip_unprivileged_port_start', (config) => {
    config.linux.sysctl = { 'net.ipv4.ip_unprivileged_port_start': '81' }
  })
  assert.equal(output, '81')
  for (const key of ['vm.swappiness', 'kernel.hostname', 'kernel.core_pattern', 'net.ipv4/../../kernel.core_pattern']) {
    const bundle = await world.bundle((config) => {
      config.linux.sysctl = { [key]: '1' }
    })
    refused(await world.usnea(['create', '--bundle', bundle.path, world.newId()]), /sysctl/)
  }
})

testAs({}, 'sysctls of a network namespace that is joined and is our own are refused', async (world) => {
  const value = readFileSync('/proc/sys/net/core/somaxconn', 'utf8').trim()
  const bundle = await world.bundle((config) => {
    config.linux.namespaces = config.linux.namespaces.map((one) =>
      one.type === 'network' ? { ...one, path: '/proc/self/ns/net' } : one,
    )
    config.linux.sysctl = { 'net.core.somaxconn': value }
  })
  refused(
    await world.usnea(['create', '--bundle', bundle.path, world.newId()]),
    /cannot join the network namespace .*linux\.sysctl would change it for the whole host/,
  )
})

testAs({}, 'the loopback interface of a new network namespace is up', async (world) => {
  assert.match(await inside(world, 'ip link show lo'), /\bUP\b/)
})

testAs({ as: ['contained', 'nested'] }, 'root inside a namespace needs no further user namespace', async (world) => {
  const links = await linksInside(world, (config) => {
    config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'user')
    delete config.linux.uidMappings
    delete config.linux.gidMappings
  })
  const keeper = world.identity.enclosure?.keepers.at(-1)
  assert.equal(links.user, readlinkSync(`/proc/${keeper}/ns/user`))
})

/** A filter that refuses keyctl(2), as those of engines do, inherited by whatever is called. */
const withoutKeys = `
import ctypes, os, struct, sys
call = {'x64': 250, 'arm64': 219}[sys.argv[1]]
code = struct.pack('HBBI' * 4, 0x20, 0, 0, 0, 0x15, 0, 1, call, 0x06, 0, 0, 0x50001, 0x06, 0, 0, 0x7fff0000)
class Program(ctypes.Structure): _fields_ = [('size', ctypes.c_ushort), ('code', ctypes.c_char_p)]
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(22, 2, ctypes.byref(Program(4, code)), 0, 0) != 0: sys.exit('no filter')
os.execv(sys.argv[2], sys.argv[2:])
`

testAs(
  { as: ['root'], needs: ['python3'] },
  'where a new keyring is refused the container runs all the same, and that is recorded',
  async (world) => {
    const id = world.newId()
    const bundle = await world.bundle()
    const through = ['/usr/bin/python3', '-c', withoutKeys, process.arch]
    succeeded(await world.usnea(['create', '--bundle', bundle.path, id], { through }))
    const record = JSON.parse(readFileSync(join(world.state, id, 'state.json'), 'utf8'))
    assert.match(JSON.stringify(record.degradations), /session keyring is shared/)
    succeeded(await world.usnea(['delete', '--force', id]))
  },
)
