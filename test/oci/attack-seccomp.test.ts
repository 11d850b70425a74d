// Needs a static busybox and gcc, on x86-64: calls by all three doors of the kernel, against a filter.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import type { Config } from '../fixtures/config.ts'
import { addCalls } from '../fixtures/seccomp.ts'
import { refused, succeeded, type World } from '../fixtures/world.ts'

const SIGSYS = 31
const ENETDOWN = 100
const onX64 = { needs: ['gcc'] as const, skip: process.arch === 'x64' ? undefined : 'needs x86-64' }
const mkdirs = ['mkdir', 'mkdirat']

const against = (names: readonly string[], action: string, more: object = {}) => ({
  defaultAction: 'SCMP_ACT_ALLOW',
  syscalls: [{ names, action, ...more }],
})

/** For a static program of glibc. The last is the newest. */
const enough = [
  ...['execve', 'exit_group', 'brk', 'arch_prctl', 'mmap', 'mprotect', 'set_tid_address', 'set_robust_list', 'rseq'],
  ...['prlimit64', 'readlinkat', 'readlink', 'getrandom', 'nanosleep', 'clock_nanosleep', 'close_range'],
]

/** The exit status of one call, made in one of three ways, under a filter. */
async function callsUnder(world: World, seccomp: object, calls: readonly (readonly string[])[]): Promise<number[]> {
  const id = world.newId()
  const bundle = await world.bundle((config) => {
    config.process.args = ['sleep', '1000']
    config.process.rlimits = [{ type: 'RLIMIT_CORE', soft: 0, hard: 0 }]
    config.linux.seccomp = seccomp
  })
  await addCalls(bundle.rootfs)
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
  const found: number[] = []
  for (const call of calls) found.push((await world.usnea(['exec', id, 'calls', ...call])).status ?? -1)
  succeeded(await world.usnea(['delete', '--force', id]))
  return found
}

const KILLED = 128 + SIGSYS
const EPERM = 1
const EINVAL = 22
const ENOSYS = 38

testAs(onX64, 'a call by the door of i386 or x32 does not pass by a filter for x86-64', async (world) => {
  const attempts = [
    ['64', '83', '/tmp/a'],
    ['32', '39', '/tmp/b'],
    ['x32', '83', '/tmp/c'],
    ['32', '20'],
  ]
  const refusal = against(mkdirs, 'SCMP_ACT_ERRNO')
  assert.deepEqual(await callsUnder(world, refusal, attempts), [EPERM, KILLED, KILLED, KILLED])
})

testAs(onX64, 'where the profile names the other doors, its rules hold there by their own numbers', async (world) => {
  const architectures = ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32']
  const attempts = [
    ['64', '83', '/tmp/a'],
    ['32', '39', '/tmp/b'],
    ['x32', '83', '/tmp/c'],
  ]
  const refusal = { ...against(mkdirs, 'SCMP_ACT_ERRNO'), architectures }
  assert.deepEqual(await callsUnder(world, refusal, attempts), [EPERM, EPERM, EPERM])
})

testAs(onX64, 'calls newer than the profile answer ENOSYS, older ones what the profile says', async (world) => {
  // Nothing has the number 1000; 83 is mkdir, and 436 close_range.
  const strict = {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: ENETDOWN,
    syscalls: [{ names: enough, action: 'SCMP_ACT_ALLOW' }],
  }
  const permissive = against(['close_range'], 'SCMP_ACT_ERRNO')
  const attempts = [
    ['64', '1000'],
    ['64', '83', '/tmp/a'],
    ['64', '436', '9', '8', '0'],
  ]
  assert.deepEqual(await callsUnder(world, strict, attempts), [ENOSYS, ENETDOWN, EINVAL])
  assert.deepEqual(await callsUnder(world, permissive, attempts), [ENOSYS, 0, EPERM])
})

testAs(onX64, 'arguments are compared with all their 64 bits', async (world) => {
  // getpid takes no arguments, so any may be given to it.
  const args = [{ index: 0, value: 0x1_0000_0001, op: 'SCMP_CMP_EQ' }]
  const found = await callsUnder(world, against(['getppid'], 'SCMP_ACT_ERRNO', { args, errnoRet: ENETDOWN }), [
    ['64', '110', String(0x1_0000_0001)],
    ['64', '110', '1'],
  ])
  assert.deepEqual(found, [ENETDOWN, 0])
})

testAs(
  {},
  'a filter that forbids what init tells its failures with does not hide that the program could not run',
  async (world) => {
    const patch = (config: Config) => {
      config.process.args = ['/bin/broken']
      config.linux.seccomp = against(['sendto', 'sendmsg'], 'SCMP_ACT_ERRNO')
    }
    const [bundle, id] = [await world.bundle(patch), world.newId()]
    writeFileSync(join(bundle.rootfs, 'bin/broken'), '#!/bin/missing\n', { mode: 0o755 })
    refused(await world.usnea(['run', '--bundle', bundle.path, world.newId()]), /broken/)
    succeeded(await world.usnea(['create', '--bundle', bundle.path, id]))
    refused(await world.usnea(['start', id]), /broken/)
    succeeded(await world.usnea(['delete', id]))
  },
)
