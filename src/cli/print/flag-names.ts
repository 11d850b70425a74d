/** The kernel's numbers as the words that people use for them. */
import {
  capabilityNumbers,
  cloneFlags,
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NODIRATIME,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_NOSYMFOLLOW,
  MOUNT_ATTR_RDONLY,
  MOUNT_ATTR_STRICTATIME,
  MS_BIND,
  MS_DIRSYNC,
  MS_I_VERSION,
  MS_LAZYTIME,
  MS_NOATIME,
  MS_NODEV,
  MS_NODIRATIME,
  MS_NOEXEC,
  MS_NOSUID,
  MS_NOSYMFOLLOW,
  MS_PRIVATE,
  MS_RDONLY,
  MS_REC,
  MS_RELATIME,
  MS_REMOUNT,
  MS_SHARED,
  MS_SILENT,
  MS_SLAVE,
  MS_STRICTATIME,
  MS_SYNCHRONOUS,
  MS_UNBINDABLE,
} from '../../kernel/constants.ts'
import { BIND_NO_CREATE, BIND_OPENED, BIND_RECURSIVE } from '../../linux/mounts/bind-flags.ts'

/** linux/landlock.h, in the order of the bits. */
const rights =
  'execute write-file read-file read-dir remove-dir remove-file make-char make-dir make-reg make-sock make-fifo make-block make-sym refer truncate ioctl-dev'

const inOrder = (words: string): Table => words.split(' ').map((word, bit) => [word, 1 << bit])

type Table = readonly (readonly [name: string, bits: number])[]

export const mountWords: Table = [
  ['ro', MS_RDONLY],
  ['nosuid', MS_NOSUID],
  ['nodev', MS_NODEV],
  ['noexec', MS_NOEXEC],
  ['sync', MS_SYNCHRONOUS],
  ['dirsync', MS_DIRSYNC],
  ['remount', MS_REMOUNT],
  ['bind', MS_BIND],
  ['rec', MS_REC],
  ['silent', MS_SILENT],
  ['noatime', MS_NOATIME],
  ['nodiratime', MS_NODIRATIME],
  ['relatime', MS_RELATIME],
  ['strictatime', MS_STRICTATIME],
  ['lazytime', MS_LAZYTIME],
  ['iversion', MS_I_VERSION],
  ['nosymfollow', MS_NOSYMFOLLOW],
]

export const attributeWords: Table = [
  ['ro', MOUNT_ATTR_RDONLY],
  ['nosuid', MOUNT_ATTR_NOSUID],
  ['nodev', MOUNT_ATTR_NODEV],
  ['noexec', MOUNT_ATTR_NOEXEC],
  ['noatime', MOUNT_ATTR_NOATIME],
  ['strictatime', MOUNT_ATTR_STRICTATIME],
  ['nodiratime', MOUNT_ATTR_NODIRATIME],
  ['nosymfollow', MOUNT_ATTR_NOSYMFOLLOW],
]

export const propagationWords: Table = [
  ['rshared', MS_SHARED | MS_REC],
  ['rslave', MS_SLAVE | MS_REC],
  ['rprivate', MS_PRIVATE | MS_REC],
  ['runbindable', MS_UNBINDABLE | MS_REC],
  ['shared', MS_SHARED],
  ['slave', MS_SLAVE],
  ['private', MS_PRIVATE],
  ['unbindable', MS_UNBINDABLE],
]

/** linux/seccomp.h */
export const filterWords: Table = [
  ['log', 2],
  ['spec-allow', 4],
  ['listener', 8],
  ['wait-killable-recv', 32],
]

export const bindWords: Table = [
  ['recursive', BIND_RECURSIVE],
  ['no-create', BIND_NO_CREATE],
  ['opened', BIND_OPENED],
]

export const namespaceWords: Table = Object.entries(cloneFlags)

/** `ro,nosuid`; bits that have no word are kept as a hexadecimal number. */
export function flagWords(value: number | bigint, table: Table): string {
  let rest = BigInt(value)
  const words: string[] = []
  for (const [name, number] of table) {
    const bits = BigInt(number >>> 0)
    if (bits === 0n || (rest & bits) !== bits) continue
    words.push(name)
    rest &= ~bits
  }
  if (rest !== 0n) words.push(`0x${rest.toString(16)}`)
  return words.join(',')
}

const allCapabilities = Object.values(capabilityNumbers).reduce((mask, bit) => mask | (1n << BigInt(bit)), 0n)

/** `none`, `all`, or names without `CAP_`; bits of a newer kernel are kept as numbers. */
export function capabilityWords(value: number | bigint): string {
  const mask = BigInt(value)
  if (mask === 0n) return 'none'
  if ((mask & allCapabilities) === allCapabilities) return 'all'
  const known = Object.entries(capabilityNumbers)
    .filter(([, bit]) => (mask >> BigInt(bit)) & 1n)
    .map(([name]) => name.slice('CAP_'.length).toLowerCase())
  const rest = mask & ~allCapabilities
  return [...known, ...(rest === 0n ? [] : [`0x${rest.toString(16)}`])].join(',')
}

export const fileRightWords: Table = inOrder(rights)
export const portRightWords: Table = inOrder('bind connect')
export const scopeWords: Table = inOrder('abstract-sockets signals')
