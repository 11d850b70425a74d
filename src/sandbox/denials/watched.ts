/**
 * The system calls that are watched when denials are to be seen: how each names what it is about, for native/observe, and
 * the filter that asks for notice of them. Pure.
 */
import type { Host } from '../../host/facts.ts'
import { abis, abisOf, syscallNumber } from '../../linux/seccomp/abi.ts'
import type { Seccomp, SyscallArgument, SyscallRule } from '../../spec/types.ts'

/** In the order of native/observe/observe.h. */
const actions = [
  ...['open', 'openHow', 'makeFile', 'look', 'lookHere', 'run', 'create', 'remove', 'rename', 'link', 'change'],
  ...['writeTo', 'connect', 'send', 'sendMessage', 'bind', 'signal', 'enter'],
]

/** Indices of arguments: `dir` a descriptor, `path` what it is about, `extra` flags or a size; -1: there is none. */
interface Watched {
  readonly action: string
  readonly dir: number
  readonly path: number
  readonly extra: number
  readonly dir2: number
  readonly path2: number
}

/** NAME… = ACTION DIR PATH [EXTRA [DIR2 PATH2]], `-` for none. */
const table = `
  open                                               = open        -  0  1
  openat                                             = open        0  1  2
  openat2                                            = openHow     0  1  2
  creat                                              = makeFile    -  0
  stat statfs access                                 = look        -  0
  lstat readlink                                     = lookHere    -  0
  newfstatat faccessat2 fstatat64                    = look        0  1  3
  statx                                              = look        0  1  2
  faccessat                                          = look        0  1
  readlinkat                                         = lookHere    0  1
  chdir                                              = enter       -  0
  execve                                             = run         -  0
  execveat                                           = run         0  1
  mkdir mknod                                        = create      -  0
  mkdirat mknodat                                    = create      0  1
  symlink                                            = create      -  1
  symlinkat                                          = create      1  2
  unlink rmdir                                       = remove      -  0
  unlinkat                                           = remove      0  1
  rename                                             = rename      -  0  -  -  1
  renameat renameat2                                 = rename      0  1  -  2  3
  link                                               = link        -  0  -  -  1
  linkat                                             = link        0  1  -  2  3
  chmod chown lchown utime utimes setxattr           = change      -  0
  lsetxattr removexattr lremovexattr                 = change      -  0
  fchmodat fchmodat2 fchownat utimensat futimesat    = change      0  1
  truncate                                           = writeTo     -  0
  connect                                            = connect     -  1  2
  sendto                                             = send        -  4  5
  sendmsg                                            = sendMessage -  1
  bind                                               = bind        -  1  2
  kill tkill tgkill rt_sigqueueinfo pidfd_open       = signal      -  0
  process_vm_readv process_vm_writev                 = signal      -  0
  ptrace                                             = signal      -  1`

const watched: readonly (readonly [name: string, how: Watched])[] = table
  .trim()
  .split('\n')
  .flatMap((line) => {
    const [names = [], how = []] = line.split('=').map((part) => part.trim().split(/\s+/))
    const [action = '', ...places] = how
    const [dir = -1, path = -1, extra = -1, dir2 = -1, path2 = -1] = places.map((one) =>
      one === '-' ? -1 : Number(one),
    )
    return [...names].map((name) => [name, { action, dir, path, extra, dir2, path2 }] as const)
  })

const CALL_BYTES = 16

/** struct call of native/observe/observe.h, for every way to call this machine's kernel that the filter lets pass. */
export function watchedCalls(architectures: readonly string[], arch: Host['arch']): Buffer {
  const calls = abisOf(architectures, arch).flatMap((abi) =>
    watched.flatMap(([name, how]) => {
      const number = syscallNumber(name, abi)
      if (number === undefined) return []
      const bytes = Buffer.alloc(CALL_BYTES)
      bytes.writeUInt32LE(abis[abi].audit, 0)
      bytes.writeUInt32LE(abis[abi].base + number, 4)
      const { action, dir, path, extra, dir2, path2 } = how
      for (const [place, value] of [actions.indexOf(action) + 1, dir, path, extra, dir2, path2].entries())
        bytes.writeInt8(value, 8 + place)
      return [bytes]
    }),
  )
  return Buffer.concat(calls)
}

const AT_EMPTY_PATH = 0x1000
/** MSG_NOSIGNAL and MSG_CONFIRM, as native/init/ops_seccomp.c sends the listener while nobody listens. */
const OWN_SENDING = 0x4800
const SIGURG = 23
const EBUSY = 16
/** linux/seccomp.h */
const NEW_LISTENER = 8

const noEmptyPath = (index: number): SyscallArgument => ({
  index,
  op: 'SCMP_CMP_MASKED_EQ',
  value: AT_EMPTY_PATH,
  valueTwo: 0,
})
const isNot = (index: number, value: number): SyscallArgument => ({ index, op: 'SCMP_CMP_NE', value })

/** What would be told without end and says nothing: fstat(3), sending on a connection. */
const conditions: Readonly<Record<string, SyscallArgument>> = {
  newfstatat: noEmptyPath(3),
  statx: noEmptyPath(2),
  sendto: isNot(4, 0),
  sendmsg: isNot(2, OWN_SENDING),
  // Go interrupts its own threads with it all the time.
  tgkill: isNot(2, SIGURG),
}

/** clone3 falls back to clone in every libc, and setsid and its like are said to have succeeded. */
const isQuiet = ({ names, errnoRet }: SyscallRule): boolean => errnoRet === 0 || names.includes('clone3')

/**
 * A listener of the command's own. With an observer the kernel refuses it (EBUSY); when that one is dead it would not, and as
 * of two filters that wait for an answer the newer one counts, the command could answer itself. An errno counts before both.
 */
const ownListener: SyscallRule = {
  names: ['seccomp'],
  action: 'SCMP_ACT_ERRNO',
  errnoRet: EBUSY,
  args: [{ index: 1, op: 'SCMP_CMP_MASKED_EQ', value: NEW_LISTENER, valueTwo: NEW_LISTENER }],
}

/**
 * The same filter, where what is refused waits for the observer's word, and so does what is watched. The observer has the
 * filter itself, and gives the answer that it would have given; without an observer every such call is ENOSYS.
 */
export function observedProfile(profile: Seccomp): Seccomp {
  const { errnoRet: _, ...notify } = { action: 'SCMP_ACT_NOTIFY' as const, errnoRet: 0 }
  const refused = (profile.syscalls ?? []).map((rule): SyscallRule => {
    if (rule.action !== 'SCMP_ACT_ERRNO' || isQuiet(rule)) return rule
    const { errnoRet: __, ...rest } = rule
    return { ...rest, ...notify }
  })
  const seen = watched.map(([name]): SyscallRule => {
    const condition = conditions[name]
    return { names: [name], ...notify, ...(condition ? { args: [condition] } : {}) }
  })
  return { ...profile, syscalls: [ownListener, ...refused, ...seen] }
}
