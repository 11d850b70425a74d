/** linux/landlock.h: what a ruleset can handle, by the version (ABI) that brought it. */

export const ACCESS_EXECUTE = 1 << 0
export const ACCESS_WRITE_FILE = 1 << 1
export const ACCESS_READ_FILE = 1 << 2
export const ACCESS_READ_DIR = 1 << 3
export const ACCESS_REMOVE_DIR = 1 << 4
export const ACCESS_REMOVE_FILE = 1 << 5
export const ACCESS_MAKE_CHAR = 1 << 6
export const ACCESS_MAKE_DIR = 1 << 7
export const ACCESS_MAKE_REG = 1 << 8
export const ACCESS_MAKE_SOCK = 1 << 9
export const ACCESS_MAKE_FIFO = 1 << 10
export const ACCESS_MAKE_BLOCK = 1 << 11
export const ACCESS_MAKE_SYM = 1 << 12
/** Linking and renaming between directories. Before ABI 2 that is always refused. */
export const ACCESS_REFER = 1 << 13
export const ACCESS_TRUNCATE = 1 << 14
export const ACCESS_IOCTL_DEV = 1 << 15

export const PORT_BIND = 1 << 0
export const PORT_CONNECT = 1 << 1

export const SCOPE_ABSTRACT_SOCKET = 1 << 0
export const SCOPE_SIGNAL = 1 << 1

/** Rights of files that appeared after ABI 1, which has those below REFER. */
const laterRights: readonly (readonly [abi: number, right: number])[] = [
  [2, ACCESS_REFER],
  [3, ACCESS_TRUNCATE],
  [5, ACCESS_IOCTL_DEV],
]

/** All rights of files that this version handles. */
export const fileRights = (abi: number): number =>
  laterRights.reduce((sum, [since, right]) => (abi >= since ? sum | right : sum), ACCESS_REFER - 1)

export const portRights = (abi: number): number => (abi >= 4 ? PORT_BIND | PORT_CONNECT : 0)

export const scopes = (abi: number): number => (abi >= 6 ? SCOPE_ABSTRACT_SOCKET | SCOPE_SIGNAL : 0)
