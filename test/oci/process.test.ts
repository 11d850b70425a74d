// Needs a static busybox: what the program gets: user, groups, limits, capabilities, directory, environment.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { testAs } from '../fixtures/cases.ts'
import { inside } from '../fixtures/inside.ts'
import { until } from '../fixtures/until.ts'
import { refused, succeeded } from '../fixtures/world.ts'

const everywhere = ['root', 'ranges', 'plain', 'nested', 'contained'] as const
/** Bits of capability.h. */
const bits = {
  CAP_CHOWN: 0n,
  CAP_KILL: 5n,
  CAP_NET_BIND_SERVICE: 10n,
  CAP_SYS_CHROOT: 18n,
  CAP_AUDIT_WRITE: 29n,
} as const
const mask = (...names: (keyof typeof bits)[]) =>
  names
    .reduce((sum, name) => sum | (1n << bits[name]), 0n)
    .toString(16)
    .padStart(16, '0')

testAs({ as: everywhere }, 'the five capability sets are those of the configuration', async (world) => {
  const output = await inside(world, 'grep Cap /proc/self/status | tr "\\t" " "', (config) => {
    config.process.capabilities = {
      bounding: ['CAP_CHOWN', 'CAP_KILL', 'CAP_NET_BIND_SERVICE', 'CAP_SYS_CHROOT', 'CAP_AUDIT_WRITE'],
      permitted: ['CAP_CHOWN', 'CAP_KILL', 'CAP_NET_BIND_SERVICE', 'CAP_SYS_CHROOT'],
      effective: ['CAP_CHOWN', 'CAP_KILL'],
      inheritable: ['CAP_NET_BIND_SERVICE'],
      ambient: ['CAP_NET_BIND_SERVICE'],
    }
  })
  const lines = Object.fromEntries(output.split('\n').map((line) => line.split(': ') as [string, string]))
  assert.equal(lines.CapBnd, mask('CAP_CHOWN', 'CAP_KILL', 'CAP_NET_BIND_SERVICE', 'CAP_SYS_CHROOT', 'CAP_AUDIT_WRITE'))
  assert.equal(lines.CapInh, mask('CAP_NET_BIND_SERVICE'))
  assert.equal(lines.CapAmb, mask('CAP_NET_BIND_SERVICE'))
})

testAs({}, 'a user who is not root has the ambient capabilities and no others', async (world) => {
  const output = await inside(world, 'grep -E "Cap(Prm|Eff|Amb)" /proc/self/status | tr "\\t" " "', (config) => {
    const set = ['CAP_NET_BIND_SERVICE']
    config.process.capabilities = { bounding: set, permitted: set, effective: set, inheritable: set, ambient: set }
    config.process.user = { uid: 1000, gid: 1000 }
  })
  const wanted = mask('CAP_NET_BIND_SERVICE')
  assert.equal(output, `CapPrm: ${wanted}\nCapEff: ${wanted}\nCapAmb: ${wanted}`)
})

testAs({ as: everywhere }, 'without capabilities in the configuration there are none', async (world) => {
  const output = await inside(world, 'grep -E "Cap(Prm|Eff|Bnd)" /proc/self/status | tr "\\t" " "', (config) => {
    config.process.capabilities = { bounding: [], permitted: [], effective: [], inheritable: [], ambient: [] }
  })
  const none = '0'.repeat(16)
  assert.equal(output, `CapPrm: ${none}\nCapEff: ${none}\nCapBnd: ${none}`)
})

testAs({ as: everywhere }, 'no_new_privs is as the configuration says', async (world) => {
  for (const noNewPrivileges of [true, false]) {
    const output = await inside(world, 'grep NoNewPrivs /proc/self/status | tr "\\t" " "', (config) => {
      config.process.noNewPrivileges = noNewPrivileges
    })
    assert.equal(output, `NoNewPrivs: ${Number(noNewPrivileges)}`)
  }
})

testAs({ as: everywhere }, 'limits are lowered as the configuration says', async (world) => {
  const output = await inside(world, 'ulimit -S -n; ulimit -H -n; ulimit -H -c', (config) => {
    config.process.rlimits = [
      { type: 'RLIMIT_NOFILE', soft: 100, hard: 200 },
      { type: 'RLIMIT_CORE', soft: 0, hard: 0 },
    ]
  })
  assert.equal(output, '100\n200\n0')
})

testAs(
  { as: ['ranges', 'plain'] },
  'a hard limit above our own is refused or told, never raised in silence',
  async (world) => {
    const hard = Number(/Max open files\s+\d+\s+(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1])
    const bundle = await world.bundle((config) => {
      config.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 10, hard: hard + 1 }]
      config.process.args = ['sh', '-c', 'ulimit -H -n']
    })
    refused(await world.usnea(['run', '--bundle', bundle.path, world.newId()]), /RLIMIT_NOFILE|\/process\/rlimits\/0/)
  },
)

testAs({ as: everywhere }, 'the umask is as the configuration says', async (world) => {
  const output = await inside(world, 'umask; touch /tmp/a; stat -c %a /tmp/a', (config) => {
    config.process.user.umask = 0o027
  })
  assert.equal(output, '0027\n640')
})

testAs({ as: everywhere }, 'a mask of the caller that takes the rights of owners hinders nobody', async (world) => {
  const bundle = await world.bundle((config) => {
    config.process.args = ['sh', '-c', 'umask']
  })
  for (const mask of ['0400', '0477', '0777']) {
    const through = ['sh', '-c', `umask ${mask}; exec "$@"`, 'sh']
    const ran = await world.usnea(['run', '--bundle', bundle.path, world.newId()], { through })
    assert.equal(succeeded(ran), '0022\n', mask)
  }
  await world.nothingLeft()
})

testAs({ as: everywhere }, 'oom_score_adj is raised as the configuration says', async (world) => {
  const output = await inside(world, 'cat /proc/self/oom_score_adj', (config) => {
    config.process.oomScoreAdj = 500
  })
  assert.equal(output, '500')
})

testAs({}, 'groups are exactly those of the configuration', async (world) => {
  const output = await inside(world, 'id -G', (config) => {
    config.process.user = { uid: 1000, gid: 1000, additionalGids: [5, 7] }
  })
  assert.equal(output, '1000 5 7')
})

testAs(
  { as: everywhere },
  'the environment is exactly that of the configuration, the last of two values wins',
  async (world) => {
    const output = await inside(world, 'env | grep -v -e ^PWD= -e ^SHLVL= -e ^_= -e ^HOME= | sort', (config) => {
      config.process.env = ['PATH=/bin', 'A=1', 'EMPTY=', 'WITH=a=b c', 'A=2']
    })
    assert.equal(output, 'A=2\nEMPTY=\nPATH=/bin\nWITH=a=b c')
  },
)

testAs({}, 'the program is looked for in the PATH of the container', async (world) => {
  const bundle = await world.bundle((config) => {
    config.process.env = ['PATH=/nowhere:/bin']
    config.process.args = ['echo', 'found', '-e', '1e3']
  })
  assert.equal(succeeded(await world.usnea(['run', '--bundle', bundle.path, world.newId()])), 'found -e 1e3\n')
  const other = await world.bundle((config) => {
    config.process.env = ['PATH=/nowhere']
    config.process.args = ['echo']
  })
  refused(await world.usnea(['run', '--bundle', other.path, world.newId()]), /executable file not found in \$PATH/)
})

testAs({}, 'a working directory that is missing is made, inside of the root', async (world) => {
  const output = await inside(world, 'pwd; stat -c %u:%g .', (config) => {
    config.process.cwd = '/home/new/place'
  })
  assert.equal(output, '/home/new/place\n0:0')
})

testAs(
  { as: ['root', 'plain'] },
  'without an rlimit of its own the program may open as many files as our caller',
  async (world) => {
    const through = ['sh', '-c', 'ulimit -S -n 512; exec "$@"', 'sh']
    const bundle = await world.bundle((config) => {
      config.process.args = ['sh', '-c', 'ulimit -S -n > /dev/limit; exec sleep 1000']
    })
    const id = world.newId()
    succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id], { through }))
    const told = async () => (await world.usnea(['exec', id, 'cat', '/dev/limit'])).stdout
    await until('it has told', async () => (await told()) !== '')
    assert.equal(await told(), '512\n')
    assert.equal(succeeded(await world.usnea(['exec', id, 'sh', '-c', 'ulimit -S -n'], { through })), '512\n')
    succeeded(await world.usnea(['delete', '--force', id]))
    const sandboxed = await world.usnea(['--', '/bin/sh', '-c', 'ulimit -S -n'], { through, noRoot: true })
    assert.equal(succeeded(sandboxed), '512\n')
  },
)

/** Groups of the caller that no map holds show as 65534 inside, one each. */
testAs(
  { as: ['root'], needs: ['setpriv'] },
  'the groups of the caller go, and stay where the annotation of crun asks for it, for exec too',
  async (world) => {
    const through = ['setpriv', '--groups', '2345,2346']
    const map = [{ containerID: 0, hostID: 1_800_000_000, size: 1000 }]
    const seen = async (annotations: Record<string, string>, isMapped = false) => {
      const bundle = await world.bundle((config) => {
        config.annotations = annotations
        if (isMapped) {
          config.linux.namespaces.push({ type: 'user' })
          Object.assign(config.linux, { uidMappings: map, gidMappings: map })
        }
        config.process.user.additionalGids = [4]
        config.process.args = ['sh', '-c', 'id -G > /tmp/groups; exec sleep 1000']
      })
      const id = world.newId()
      succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id], { through }))
      const joined = succeeded(await world.usnea(['exec', id, 'id', '-G'], { through }))
      const first = succeeded(await world.usnea(['exec', id, 'cat', '/tmp/groups'], { through }))
      succeeded(await world.usnea(['delete', '--force', id]))
      return [first.trim(), joined.trim()]
    }
    assert.deepEqual(await seen({}), ['0 4', '0 4'])
    const keep = { 'run.oci.keep_original_groups': '1' }
    assert.deepEqual(await seen(keep), ['0 2345 2346', '0 2345 2346'])
    assert.deepEqual(await seen(keep, true), ['0 65534 65534', '0 65534 65534'])
    assert.deepEqual(await seen({ 'run.oci.keep_original_groups': '0' }, true), ['0 4', '0 4'])
  },
)
