/**
 * Files in the directory of a container, by descriptors that were looked at. The directory above may belong to somebody
 * else, who can put another one in the place of ours at any moment: what is not ours is neither believed nor changed.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { RuntimeError } from '../base/errors.ts'
import { errnoName } from '../kernel/errno.ts'
import { native } from '../kernel/native.ts'

export function notOurs(path: string, owner: number): RuntimeError {
  return new RuntimeError('root-unusable', {
    what: `${path} is no container of ours`,
    why: `it belongs to user ${owner}, and we are user ${process.geteuid?.()}`,
    fix: 'call usnea as the user who made it',
  })
}

/** Follows no link in the name itself. The caller closes it. @throws RuntimeError `root-unusable`; the system error */
export function openOwn(path: string, flags: number, mode?: number): number {
  const fd = openSync(path, flags | constants.O_NOFOLLOW, mode)
  const { uid } = fstatSync(fd)
  if (uid === process.geteuid?.()) return fd
  closeSync(fd)
  throw notOurs(path, uid)
}

/** The whole text. @throws RuntimeError `root-unusable`; the system error */
export function readOwn(path: string): string {
  const fd = openOwn(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    return readFileSync(fd, 'utf8')
  } finally {
    closeSync(fd)
  }
}

/** An entry with all that is in it; one that is not there is no error. @throws RuntimeError `root-unusable` */
export function removeOwn(directory: string, name: string): void {
  const done = native().removeTree(directory, name)
  if (done < 0)
    throw new RuntimeError('root-unusable', {
      what: `cannot remove ${join(directory, name)} of the state directory`,
      errno: errnoName(-done),
    })
}
