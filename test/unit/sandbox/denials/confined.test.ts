/** A hostile command that takes over its observer can write to nothing, make nothing, run nothing and reach nobody. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { abis, syscallNumber } from '../../../../src/linux/seccomp/abi.ts'
import { observerFilter } from '../../../../src/sandbox/denials/confined.ts'
import { machine } from '../../../fixtures/bpf.ts'

const [ALLOW, KILL_PROCESS] = [0x7fff_0000, 0x8000_0000]
const WAYS_AT = 0x20_0000n
/** fcntl.h, as x86 and arm64 have them. */
const [WRONLY, RDWR, CREAT, TRUNC, CLOEXEC, PATH] = [1n, 2n, 0x40n, 0x200n, 0x8_0000n, 0x20_0000n]

for (const [arch, abi] of [['x64', 'x86_64'] as const, ['arm64', 'arm64'] as const]) {
  const run = machine(Buffer.from(observerFilter(arch), 'hex'))
  const says = (name: string, ...args: bigint[]): number => {
    const number = syscallNumber(name, abi)
    assert.notEqual(number, undefined, name)
    return run({ arch: abis[abi].audit, number: number ?? 0, args })
  }

  test(`${arch}: the observer looks and answers`, () => {
    for (const flags of [CLOEXEC, PATH | CLOEXEC]) assert.equal(says('openat', -100n, 0n, flags), ALLOW)
    for (const way of [WAYS_AT, WAYS_AT + 24n]) assert.equal(says('openat2', 5n, 1n, way, 24n), ALLOW)
    for (const request of [0xc050_2100n, 0xc018_2101n, 0x4008_2102n, 0xffff_ffff_c050_2100n])
      assert.equal(says('ioctl', 0n, request), ALLOW)
    assert.equal(says('write', 1n), ALLOW)
    assert.equal(says('process_vm_readv'), ALLOW)
  })

  test(`${arch}: it is killed by anything else`, () => {
    for (const flags of [WRONLY, RDWR, CREAT, TRUNC, WRONLY | TRUNC | CLOEXEC])
      assert.equal(says('openat', -100n, 0n, flags), KILL_PROCESS, `${flags}`)
    for (const [way, size] of [
      [WAYS_AT + 8n, 24n],
      [WAYS_AT + (1n << 32n), 24n],
      [WAYS_AT, 16n],
      [0x7ffc_0000_0000n, 24n],
    ] as const)
      assert.equal(says('openat2', 5n, 1n, way, size), KILL_PROCESS)
    assert.equal(says('ioctl', 3n, 0xc050_2100n), KILL_PROCESS)
    assert.equal(says('ioctl', 0n, 0x4018_2103n), KILL_PROCESS, 'SECCOMP_IOCTL_NOTIF_ADDFD')
    for (const fd of [0n, 2n, 5n]) assert.equal(says('write', fd), KILL_PROCESS)
    const others =
      'mmap mprotect mremap munmap brk clone execve execveat socket connect sendto sendmsg recvmsg kill tgkill ptrace ' +
      'process_vm_writev pidfd_getfd pidfd_open dup dup3 fchmod fchown unlinkat renameat2 mkdirat symlinkat linkat ' +
      'truncate ftruncate setns unshare mount prctl seccomp setrlimit prlimit64 bpf io_uring_setup memfd_create'
    for (const name of others.split(' ')) assert.equal(says(name), KILL_PROCESS, name)
    assert.notEqual(run({ arch: abis[arch === 'x64' ? 'i386' : 'arm'].audit, number: 4, args: [1n] }), ALLOW)
  })
}

test('native/observe has the same numbers', () => {
  const header = readFileSync(new URL('../../../../native/observe/observe.h', import.meta.url), 'utf8')
  assert.match(header, /LISTENER_FD = 0, OUT_FD = 1 /)
  assert.match(header, /WAYS_AT 0x200000ul/)
})
