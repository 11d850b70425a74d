// Needs a static busybox, some tests gcc on x86-64: what a filter of system calls does to the program, and to nobody else.
import assert from 'node:assert/strict'
import { testAs } from '../fixtures/cases.ts'
import type { Config } from '../fixtures/config.ts'
import { inside } from '../fixtures/inside.ts'
import { addEnd } from '../fixtures/seccomp.ts'
import { refused, succeeded, type World } from '../fixtures/world.ts'

const everywhere = ['root', 'ranges', 'plain', 'nested', 'contained'] as const
const both = [true, false] as const
const SIGSYS = 31
const ENETDOWN = 100

const onX64 = { needs: ['gcc'] as const, skip: process.arch === 'x64' ? undefined : 'needs x86-64' }

const mkdirs = ['mkdir', 'mkdirat']
const against = (names: readonly string[], action: string, more: object = {}) => ({
  defaultAction: 'SCMP_ACT_ALLOW',
  syscalls: [{ names, action, ...more }],
})

/** Runs a program under a filter. */
async function filtered(world: World, args: readonly string[], seccomp: object, patch?: (config: Config) => void) {
  const bundle = await world.bundle((config) => {
    config.process.args = [...args]
    config.linux.seccomp = seccomp
    patch?.(config)
  })
  return await world.usnea(['run', '--bundle', bundle.path, world.newId()])
}

testAs({ as: everywhere }, 'a refused call has its errno, with and without no_new_privs', async (world) => {
  for (const noNewPrivileges of both) {
    const script =
      'mkdir /tmp/a 2>&1; grep -E "^(NoNewPrivs|Seccomp|CapPrm|CapEff|CapBnd):" /proc/self/status | tr "\\t" " "'
    const output = await inside(world, script, (config) => {
      config.process.noNewPrivileges = noNewPrivileges
      config.process.capabilities = { bounding: [], permitted: [], effective: [], inheritable: [], ambient: [] }
      config.linux.seccomp = against(mkdirs, 'SCMP_ACT_ERRNO', { errnoRet: ENETDOWN })
    })
    const none = '0'.repeat(16)
    assert.deepEqual(output.split('\n'), [
      "mkdir: can't create directory '/tmp/a': Network is down",
      `CapPrm: ${none}`,
      `CapEff: ${none}`,
      `CapBnd: ${none}`,
      `NoNewPrivs: ${noNewPrivileges ? 1 : 0}`,
      'Seccomp: 2',
    ])
  }
})

testAs(
  { as: everywhere },
  'a user who is not root has no capability from the filter, nor has a hook',
  async (world) => {
    const script = 'grep -hE "^Cap(Prm|Eff|Amb):" /proc/self/status | cut -f2 | sort -u'
    const bundle = await world.bundle((config) => {
      const uid = world.identity.ids === 'many' ? 1000 : 0
      config.process.args = ['sh', '-c', script]
      config.process.user = { uid, gid: uid }
      config.process.noNewPrivileges = false
      config.process.capabilities = { bounding: [], permitted: [], effective: [], inheritable: [], ambient: [] }
      config.linux.seccomp = against(mkdirs, 'SCMP_ACT_ERRNO')
      config.hooks = {
        startContainer: [{ path: '/bin/sh', args: ['sh', '-c', `test "$(${script})" = ${'0'.repeat(16)}`] }],
      }
    })
    const outcome = await world.usnea(['run', '--bundle', bundle.path, world.newId()])
    assert.equal(succeeded(outcome), `${'0'.repeat(16)}\n`)
  },
)

for (const [action, noNewPrivileges] of [
  ['SCMP_ACT_KILL', true],
  ['SCMP_ACT_KILL_THREAD', false],
  ['SCMP_ACT_KILL_PROCESS', true],
  ['SCMP_ACT_TRAP', false],
] as const)
  testAs({}, `${action} ends the program with SIGSYS, the first process too`, async (world) => {
    const outcome = await filtered(world, ['mkdir', '/tmp/a'], against(mkdirs, action), (config) => {
      config.process.noNewPrivileges = noNewPrivileges
      config.process.rlimits = [{ type: 'RLIMIT_CORE', soft: 0, hard: 0 }]
    })
    assert.equal(outcome.status, 128 + SIGSYS, outcome.stderr)
  })

testAs({}, 'SCMP_ACT_LOG lets the call go on', async (world) => {
  const flags = ['SECCOMP_FILTER_FLAG_LOG']
  assert.equal(
    await inside(world, 'mkdir /tmp/a && echo made', (config) => {
      config.linux.seccomp = { ...against(mkdirs, 'SCMP_ACT_LOG'), flags }
    }),
    'made',
  )
})

testAs(
  { ...onX64, as: ['root', 'ranges', 'contained'] },
  'init itself needs no call under the filter but execve, not even to start later',
  async (world) => {
    const syscalls = [{ names: ['execve', 'exit_group'], action: 'SCMP_ACT_ALLOW' }]
    for (const noNewPrivileges of both) {
      const id = world.newId()
      const bundle = await world.bundle((config) => {
        config.process.args = ['end']
        config.process.noNewPrivileges = noNewPrivileges
        config.process.user = world.identity.ids === 'many' ? { uid: 1000, gid: 1000 } : { uid: 0, gid: 0 }
        config.linux.seccomp = { defaultAction: 'SCMP_ACT_KILL_PROCESS', syscalls }
      })
      await addEnd(bundle.rootfs)
      assert.equal((await world.usnea(['run', '--bundle', bundle.path, world.newId()])).status, 7)
      succeeded(await world.usnea(['create', '--bundle', bundle.path, id]))
      succeeded(await world.usnea(['start', id]))
      succeeded(await world.usnea(['delete', '--force', id]))
    }
  },
)

testAs({}, 'the filter waits for start, and holds for exec too', async (world) => {
  for (const noNewPrivileges of both) {
    const id = world.newId()
    const bundle = await world.bundle((config) => {
      config.process.args = ['sleep', '1000']
      config.process.noNewPrivileges = noNewPrivileges
      config.linux.seccomp = against(mkdirs, 'SCMP_ACT_ERRNO', { errnoRet: ENETDOWN })
    })
    succeeded(await world.usnea(['create', '--bundle', bundle.path, id]))
    succeeded(await world.usnea(['start', id]))
    const exec = async (...args: string[]) => await world.usnea(['exec', id, ...args])
    assert.match((await exec('mkdir', '/tmp/a')).stderr, /Network is down/)
    assert.match(succeeded(await exec('grep', 'Seccomp:', '/proc/self/status', '/proc/1/status')), /:\t2\n.*:\t2\n/)
    succeeded(await world.usnea(['delete', '--force', id]))
  }
})

testAs({}, 'a startContainer hook feels the filter, one of the runtime does not', async (world) => {
  const hook = { path: '/bin/sh', args: ['sh', '-c', 'mkdir -p /tmp/hook-was-here'] }
  const kill = against(mkdirs, 'SCMP_ACT_KILL_PROCESS')
  const noCore = [{ type: 'RLIMIT_CORE', soft: 0, hard: 0 }]
  const inContainer = await filtered(world, ['true'], kill, (config) => {
    config.hooks = { startContainer: [hook] }
    config.process.rlimits = noCore
  })
  refused(inContainer, /error running startContainer hook.*bad system call/i)
  const outside = await filtered(world, ['true'], kill, (config) => {
    config.hooks = { createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', 'rmdir "$(mktemp -d)"'] }] }
  })
  succeeded(outside)
})

testAs({}, 'the log at debug level has the flags that the kernel gets', async (world) => {
  const numbers = [
    [undefined, 4],
    [[], 0],
    [['SECCOMP_FILTER_FLAG_TSYNC'], 0],
    [['SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW'], 6],
  ] as const
  for (const [flags, number] of numbers) {
    const bundle = await world.bundle((config) => {
      config.process.args = ['true']
      config.linux.seccomp = { ...against([...mkdirs, 'nonsense'], 'SCMP_ACT_ERRNO'), ...(flags ? { flags } : {}) }
    })
    const { status, stderr } = await world.usnea(['--debug', 'run', '--bundle', bundle.path, world.newId()])
    assert.equal(status, 0, stderr)
    assert.ok(stderr.includes(`"seccomp filter flags: ${number}"`), stderr)
    assert.match(stderr, /unknown seccomp syscall .*nonsense.* ignored/)
  }
})

testAs({}, 'a filter that is too long for the kernel is refused before anything is made', async (world) => {
  const args = (value: number) => ({ args: [{ index: 0, value, op: 'SCMP_CMP_EQ' }] })
  const rules = Array.from({ length: 900 }, (_, value) => ({ names: mkdirs, action: 'SCMP_ACT_ERRNO', ...args(value) }))
  refused(await filtered(world, ['true'], { defaultAction: 'SCMP_ACT_ALLOW', syscalls: rules }), /too long.*4096/)
})
