// Needs a static busybox: how the kernel treats the program: CPUs, scheduling, I/O priority, memory nodes, domain, labels.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import { inside } from '../fixtures/inside.ts'
import { findProgram } from '../fixtures/needs.ts'
import { until } from '../fixtures/until.ts'
import { refused, succeeded } from '../fixtures/world.ts'

const everywhere = ['root', 'ranges', 'plain', 'nested', 'contained'] as const
/** Nice value and policy, fields 19 and 41 of proc_pid_stat(5). */
const showScheduling = 'cut -d" " -f19,41 /proc/self/stat'

testAs({ as: everywhere }, 'policy and nice value are those of the configuration', async (world) => {
  for (const [policy, expected] of [
    ['SCHED_OTHER', '19 0'],
    ['SCHED_BATCH', '19 3'],
    ['SCHED_IDLE', '0 5'], // the kernel takes no nice value for it
  ] as const) {
    const output = await inside(world, showScheduling, (config) => {
      config.process.scheduler = { policy, nice: 19 }
    })
    assert.equal(output, expected)
  }
})

testAs({ as: ['ranges', 'plain'] }, 'a policy that only root may have is refused', async (world) => {
  const bundle = await world.bundle((config) => {
    config.process.scheduler = { policy: 'SCHED_FIFO', priority: 99 }
  })
  refused(await world.usnea(['run', '--bundle', bundle.path, world.newId()]), /scheduling policy SCHED_FIFO/)
})

testAs({ as: everywhere }, 'the I/O priority is that of the configuration, and of exec', async (world) => {
  const bundle = await world.bundle((config) => {
    config.process.ioPriority = { class: 'IOPRIO_CLASS_BE', priority: 6 }
    config.process.args = ['sleep', '1000']
  })
  const id = world.newId()
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
  assert.equal(succeeded(await world.usnea(['exec', id, 'ionice'])), 'best-effort: prio 6\n')
  const file = world.file(
    'idle.json',
    JSON.stringify({
      args: ['/bin/ionice'],
      cwd: '/',
      env: [`WORLD=${world.identity.home}`],
      ioPriority: { class: 'IOPRIO_CLASS_IDLE' },
    }),
  )
  assert.match(succeeded(await world.usnea(['exec', '--process', file, id])), /^idle/)
  succeeded(await world.usnea(['delete', '--force', id]))
})

testAs(
  { as: everywhere, skip: process.arch === 'x64' ? undefined : 'needs x86-64' },
  'the execution domain is that of the configuration, also in exec',
  async (world) => {
    const bundle = await world.bundle((config) => {
      config.linux.personality = { domain: 'LINUX32' }
      config.process.args = ['sh', '-c', 'uname -m > /tmp/machine; exec sleep 1000']
    })
    const id = world.newId()
    succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
    // a detached program writes when it likes: only a file can be waited for
    await until(
      'the program has written',
      async () => (await world.usnea(['exec', id, 'cat', '/tmp/machine'])).stdout === 'i686\n',
    )
    assert.equal(succeeded(await world.usnea(['exec', id, 'uname', '-m'])), 'i686\n')
    succeeded(await world.usnea(['delete', '--force', id]))
    assert.equal(
      await inside(world, 'uname -m', (config) => {
        config.linux.personality = { domain: 'LINUX' }
      }),
      'x86_64',
    )
  },
)

testAs(
  { as: everywhere, skip: existsSync('/proc/self/numa_maps') ? undefined : 'needs a kernel with NUMA' },
  'the memory policy is that of the configuration',
  async (world) => {
    const shown = (memoryPolicy: object) =>
      inside(world, 'head -n 1 /proc/self/numa_maps | cut -d" " -f2', (config) => {
        config.linux.memoryPolicy = memoryPolicy
      })
    assert.equal(await shown({ mode: 'MPOL_INTERLEAVE', nodes: '0' }), 'interleave:0')
    assert.match(await shown({ mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_STATIC_NODES'] }), /^bind.*static.*0$/)
    assert.equal(await shown({ mode: 'MPOL_DEFAULT' }), 'default')
  },
)

const allowed = /Cpus_allowed_list:\t(.*)\n/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? ''
const showCpus = ['grep', 'Cpus_allowed_list', '/proc/self/status']

testAs(
  {
    as: everywhere,
    skip: /^0[-,]/.test(allowed)
      ? findProgram('taskset') === undefined
        ? 'needs taskset (Debian: util-linux)'
        : undefined
      : 'needs two CPUs',
  },
  'an affinity of the caller is none of the container’s, and exec takes one of its own',
  async (world) => {
    const bundle = await world.bundle((config) => {
      config.process.args = [...showCpus]
    })
    const through = [findProgram('taskset') ?? '', '-c', '0']
    const run = await world.usnea(['run', '--bundle', bundle.path, world.newId()], { through })
    assert.equal(succeeded(run), `Cpus_allowed_list:\t${allowed}\n`)
    const sleeping = await world.bundle((config) => {
      config.process.args = ['sleep', '1000']
    })
    const id = world.newId()
    succeeded(await world.usnea(['run', '--detach', '--bundle', sleeping.path, id]))
    assert.equal(
      succeeded(await world.usnea(['exec', id, ...showCpus], { through })),
      `Cpus_allowed_list:\t${allowed}\n`,
    )
    const affinities: [object, string][] = [
      [{ initial: '0' }, '0'],
      [{ initial: '0', final: '0-1' }, '0-1'],
      [{ final: '1' }, '1'],
    ]
    for (const [execCPUAffinity, expected] of affinities) {
      const env = [`WORLD=${world.identity.home}`]
      const text = JSON.stringify({
        args: [`/bin/${showCpus[0]}`, ...showCpus.slice(1)],
        cwd: '/',
        env,
        execCPUAffinity,
      })
      const outcome = await world.usnea(['exec', '--process', world.file('affinity.json', text), id])
      assert.equal(succeeded(outcome), `Cpus_allowed_list:\t${expected}\n`)
    }
    succeeded(await world.usnea(['delete', '--force', id]))
  },
)

testAs(
  { as: everywhere },
  'an ambient capability that is not inheritable is left out with a warning',
  async (world) => {
    const bundle = await world.bundle((config) => {
      const sets = config.process.capabilities
      if (sets) Object.assign(sets, { inheritable: ['CAP_KILL'], ambient: ['CAP_KILL', 'CAP_CHOWN'] })
      config.process.args = ['grep', 'CapAmb', '/proc/self/status']
    })
    const outcome = await world.usnea(['run', '--bundle', bundle.path, world.newId()])
    assert.equal(succeeded(outcome), 'CapAmb:\t0000000000000020\n')
    assert.match(outcome.stderr, /can't raise ambient capability CAP_CHOWN: /)
  },
)

testAs(
  {
    as: ['root'],
    skip:
      (BigInt(`0x${/CapEff:\t(\w+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`) >> 24n) & 1n
        ? undefined
        : 'needs CAP_SYS_RESOURCE',
  },
  'as root, a hard limit may be raised, also in a user namespace',
  async (world) => {
    for (const user of [false, true]) {
      const bundle = await world.bundle((config) => {
        config.process.rlimits = [{ type: 'RLIMIT_MEMLOCK', soft: 2 ** 40, hard: 2 ** 41 }]
        config.process.args = ['sh', '-c', 'ulimit -H -l']
        if (!user) return
        config.linux.namespaces.unshift({ type: 'user' })
        config.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 1 }]
        config.linux.gidMappings = [{ containerID: 0, hostID: 0, size: 1 }]
        config.mounts = config.mounts.filter(({ type }) => type !== 'devpts')
      })
      assert.equal(succeeded(await world.usnea(['run', '--bundle', bundle.path, world.newId()])), `${2 ** 31}\n`)
    }
  },
)

const selinux = existsSync('/sys/fs/selinux/enforce')
const apparmor = existsSync('/sys/module/apparmor/parameters/enabled')

testAs(
  { skip: selinux ? 'needs a machine without SELinux' : undefined },
  'where SELinux is off the label of a process is refused, and that of mounts is left out and recorded',
  async (world) => {
    const words = /selinux label is specified in config, but selinux is disabled or not supported/
    const labelled = await world.bundle((config) => {
      config.process.selinuxLabel = 'system_u:system_r:container_t:s0'
      config.linux.mountLabel = 'system_u:object_r:container_file_t:s0'
    })
    refused(await world.usnea(['create', '--bundle', labelled.path, world.newId()]), words)
    const bundle = await world.bundle((config) => {
      config.process.args = ['sleep', '1000']
      config.linux.mountLabel = 'system_u:object_r:container_file_t:s0'
    })
    const id = world.newId()
    succeeded(await world.usnea(['create', '--bundle', bundle.path, id]))
    const { degradations } = JSON.parse(readFileSync(join(world.state, id, 'state.json'), 'utf8'))
    assert.match(JSON.stringify(degradations), /mountLabel","message":"new mounts get no label/)
    succeeded(await world.usnea(['delete', '--force', id]))
  },
)

testAs(
  { skip: apparmor ? 'needs a machine without AppArmor' : undefined },
  'an AppArmor profile is refused where it is off, by exec too',
  async (world) => {
    const refusedBundle = await world.bundle((config) => {
      config.process.apparmorProfile = 'container-default'
    })
    refused(
      await world.usnea(['create', '--bundle', refusedBundle.path, world.newId()]),
      /apparmor: config provided but/,
    )
    const bundle = await world.bundle((config) => {
      config.process.apparmorProfile = 'unconfined'
      config.process.args = ['sleep', '1000']
    })
    const id = world.newId()
    succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
    refused(await world.usnea(['exec', '--apparmor', 'other', id, 'true']), /apparmor: config provided but/, 255)
    refused(
      await world.usnea(['exec', '--process-label', 'a_u:a_r:a_t:s0', id, 'true']),
      /selinux label is specified/,
      255,
    )
    succeeded(await world.usnea(['delete', '--force', id]))
  },
)

testAs(
  { skip: apparmor ? 'needs a machine without AppArmor' : undefined },
  'a profile where AppArmor is off is an error, unless the caller lets it be missing; then it is told',
  async (world) => {
    const bundle = await world.bundle((config) => {
      config.process.apparmorProfile = 'acme'
      config.process.args = ['true']
    })
    const run = () => ['run', '--bundle', bundle.path, world.newId()]
    refused(await world.usnea(run()), /apparmor not supported or disabled.*--allow-missing apparmor/)
    refused(await world.usnea(['--allow-missing', 'selinux', ...run()]), /apparmor not supported/)
    refused(await world.usnea(['--allow-missing', 'armour', ...run()]), /nothing called .*armour.* may be missing/)
    for (const [words, env] of [
      [['--allow-missing', 'apparmor'], {}] as const,
      [[], { USNEA_ALLOW_MISSING: 'apparmor' }] as const,
    ]) {
      const { status, stderr } = await world.usnea([...words, ...run()], { env })
      assert.equal(status, 0)
      assert.match(stderr, /not confined by apparmor/)
    }
  },
)
