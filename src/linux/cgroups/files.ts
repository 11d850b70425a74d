/** Reading and writing the files of a cgroup directory. */
import { closeSync, constants, existsSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** Undefined when the cgroup, or the file in it, is not there. */
export function readCgroupFile(directory: string, file: string): string | undefined {
  try {
    return readFileSync(join(directory, file), 'utf8')
  } catch {
    return undefined
  }
}

/** One write(2): the kernel takes a value whole. Throws the system error. */
export function writeCgroupFile(directory: string, file: string, value: string): void {
  // Without O_CREAT: a file that the kernel does not have must be ENOENT, whatever directory this is. Without O_RDWR:
  // cgroup.kill may be written to only, and a user's right to that is no right to read.
  const fd = openSync(join(directory, file), constants.O_WRONLY)
  try {
    writeSync(fd, value)
  } finally {
    closeSync(fd)
  }
}

export const hasCgroupFile = (directory: string, file: string): boolean => existsSync(join(directory, file))

/** A removed directory of the kernel's may still be seen for a moment; its files are not. */
export const isGone = (directory: string): boolean => !existsSync(join(directory, 'cgroup.procs'))
