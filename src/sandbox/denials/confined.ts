/**
 * The observer's own filter: it reads what a hostile command has written, and can look at files and answer calls, but write
 * to nothing, make nothing and reach nobody. What else it tries kills it, and with that the command cannot go on. Pure.
 */
import type { Host } from '../../host/facts.ts'
import { programText } from '../../linux/seccomp/bpf.ts'
import { compileFilter } from '../../linux/seccomp/compile.ts'
import type { Seccomp, SyscallArgument, SyscallRule } from '../../spec/types.ts'

/** Where native/observe/confine.c has its listener, its pipe, and the two ways to open a path. */
const LISTENER_FD = 0
const OUT_FD = 1
const WAYS_AT = 0x20_0000
/** struct open_how of linux/openat2.h */
const WAY_BYTES = 24

/** linux/seccomp.h: NOTIF_RECV, NOTIF_SEND, NOTIF_ID_VALID. A descriptor can be given to nobody. */
const requests = [0xc050_2100, 0xc018_2101, 0x4008_2102]
/** Of musl after it has opened something. */
const F_SETFD = 2
/** O_ACCMODE, O_CREAT, O_TRUNC; O_TMPFILE wants to write. The same on x86 and arm64. */
const WRITES = 0x243

const INT = 0xffff_ffff
const isInt = (index: number, value: number): SyscallArgument => ({
  index,
  op: 'SCMP_CMP_MASKED_EQ',
  value: INT,
  valueTwo: value,
})
const onlyReads = (index: number): SyscallArgument => ({
  index,
  op: 'SCMP_CMP_MASKED_EQ',
  value: WRITES,
  valueTwo: 0,
})
const is = (index: number, value: number): SyscallArgument => ({ index, op: 'SCMP_CMP_EQ', value })

const allow = (names: string, ...args: SyscallArgument[]): SyscallRule => ({
  names: names.split(' '),
  action: 'SCMP_ACT_ALLOW',
  ...(args.length === 0 ? {} : { args }),
})

const profile: Seccomp = {
  defaultAction: 'SCMP_ACT_KILL_PROCESS',
  syscalls: [
    ...requests.map((request) => allow('ioctl', isInt(0, LISTENER_FD), isInt(1, request))),
    allow('write', isInt(0, OUT_FD)),
    allow('fcntl', isInt(1, F_SETFD)),
    allow('open', onlyReads(1)),
    allow('openat', onlyReads(2)),
    ...[WAYS_AT, WAYS_AT + WAY_BYTES].map((way) => allow('openat2', is(2, way), is(3, WAY_BYTES))),
    allow('read close getdents64 fstat newfstatat statx faccessat2 readlink readlinkat process_vm_readv'),
    // a libc takes the one or the other, and the kernel the last where a stopped call goes on
    allow('poll ppoll clock_gettime exit exit_group rt_sigreturn restart_syscall'),
  ],
}

const compiled = new Map<Host['arch'], string>()

/** struct sock_filter in hexadecimal digits. */
export function observerFilter(arch: Host['arch']): string {
  const known = compiled.get(arch)
  const program = known ?? programText(compileFilter(profile, arch).program)
  if (known === undefined) compiled.set(arch, program)
  return program
}
