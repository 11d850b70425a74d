/**
 * Files below a directory that is held open, named so that nothing hostile in the tree leads elsewhere: every directory
 * is opened by openat2(2) beneath the held one, links and mounts excluded, and a name in it is /proc/self/fd/N/NAME.
 * Names are strings as `base/bytes` has them. All functions throw an error with the `code` of the errno.
 */
import { closeSync, constants } from 'node:fs'
import { bytesOfText, textOfBytes } from '../base/bytes.ts'
import { errnoName } from './errno.ts'
import { native } from './native.ts'

export const O_PATH = 0o10000000
const RENAME_NOREPLACE = 1
const RENAME_EXCHANGE = 2
const LARGEST = 65536

const terminated = (text: string): Buffer => Buffer.concat([bytesOfText(text), Buffer.of(0)])
const ended = (path: Buffer): Buffer => Buffer.concat([path, Buffer.of(0)])

export function failure(errno: number, tried: string): Error {
  const code = errnoName(errno)
  return Object.assign(new Error(`${tried}: ${code}`), { code })
}

function checked(result: number, tried: string): number {
  if (result < 0) throw failure(-result, tried)
  return result
}

/** A descriptor of a directory, only to walk from; `path` is absolute and has no link in it. */
export const openTree = (path: string): number => checked(native().openDirectory(terminated(path)), path)

/** ELOOP for a link, EXDEV for a mount. An empty path is the directory itself. */
export function openBeneath(dir: number, path: string, flags: number): number {
  return checked(native().openBeneath(dir, terminated(path === '' ? '.' : path), flags), path)
}

export const openDirectoryBeneath = (dir: number, path: string): number =>
  openBeneath(dir, path, O_PATH | constants.O_DIRECTORY)

/** The path of a name in an open directory, for calls of Node that do not follow a link at its end. */
export const nameIn = (dir: number, name: string): Buffer => Buffer.from(bytesOfText(`/proc/self/fd/${dir}/${name}`))

/** The file behind a descriptor. */
export const pathOf = (fd: number): string => `/proc/self/fd/${fd}`

/** Extended attributes by name. A file system without them has none. */
export function readXattrs(path: Buffer): Map<string, Buffer> {
  const file = ended(path)
  // The kernel lists 64 KiB at most: listxattr(2)
  const names = shared('names')
  const length = native().listXattrs(file, names, names.length)
  if (length === 0 || isUnsupported(length)) return new Map()
  checked(length, 'listxattr')
  const found = textOfBytes(names.subarray(0, length))
    .split('\0')
    .filter((name) => name !== '')
  return new Map(found.flatMap((name) => readXattr(path, name).map((value) => [name, value] as const)))
}

/** One value in a list, or an empty list when the file has no such attribute. */
export function readXattr(path: Buffer, name: string): Buffer[] {
  const value = shared('value')
  const length = native().getXattr(ended(path), terminated(name), value, value.length)
  if (isUnsupported(length) || length === -ENODATA) return []
  return [Buffer.from(value.subarray(0, checked(length, name)))]
}

const buffers = new Map<string, Buffer>()

/** One for all calls: a new one for each is what a survey of many files would spend its time on. */
function shared(what: string): Buffer {
  const buffer = buffers.get(what) ?? Buffer.alloc(LARGEST)
  buffers.set(what, buffer)
  return buffer
}

const ENODATA = 61
const EOPNOTSUPP = 95
const isUnsupported = (result: number): boolean => result === -EOPNOTSUPP

export function writeXattr(path: Buffer, name: string, value: Uint8Array): void {
  checked(native().setXattr(ended(path), terminated(name), value, value.length), name)
}

export function removeXattr(path: Buffer, name: string): void {
  const result = native().removeXattr(ended(path), terminated(name))
  if (result !== -ENODATA && !isUnsupported(result)) checked(result, name)
}

/** syncfs(2): everything that was written to the file system of a descriptor that is no O_PATH one. */
export const syncFileSystem = (fd: number): number => checked(native().syncFileSystem(fd), 'syncfs')

/** Where the next data of a file are, from a place on: that is its position then. Undefined when only a hole is left. lseek(2) */
export function seekData(fd: number, from: number): number | undefined {
  const at = native().seekData(fd, from)
  return at === -ENXIO ? undefined : checked(at, 'lseek')
}

const ENXIO = 6

/** EEXIST when something has that name already. */
export function renameNew(from: Buffer, to: Buffer): void {
  checked(native().renameWith(ended(from), ended(to), RENAME_NOREPLACE), 'rename')
}

/** Each gets the other's name, in one step. EINVAL where the file system cannot. */
export function exchange(from: Buffer, to: Buffer): void {
  checked(native().renameWith(ended(from), ended(to), RENAME_EXCHANGE), 'rename')
}

/** Runs `use` with a descriptor and closes it. */
export function using<T>(fd: number, use: (fd: number) => T): T {
  try {
    return use(fd)
  } finally {
    closeSync(fd)
  }
}
