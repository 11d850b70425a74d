/** Is a directory fit to hold our state? Reads only. */
import { accessSync, constants, lstatSync, statSync } from 'node:fs'
import { dirname, isAbsolute } from 'node:path'
import { errnoOf, strerror } from '../base/errors.ts'

/** The reason why not, or undefined. */
export type Refusal = string | undefined

const GROUP_OR_OTHER_WRITE = 0o022
const GROUP_OR_OTHER_ANY = 0o077
const STICKY = 0o1000
const OTHER_WRITE = 0o002

/** A runtime directory as the XDG base directory specification wants it: ours alone. `uid` is our effective one. */
export function whyNotRuntimeDirectory(path: string, uid: number): Refusal {
  if (!isAbsolute(path)) return 'it is not an absolute path'
  return attempt(() => {
    const found = statSync(path)
    if (!found.isDirectory()) return 'it is not a directory'
    if (found.uid !== uid) return `it belongs to user ${found.uid} and we are user ${uid}`
    if ((found.mode & GROUP_OR_OTHER_WRITE) !== 0) return `other users can write to it (mode ${octal(found.mode)})`
    return whyNotWritable(path)
  })
}

/** A directory of ours inside of a runtime directory, or one that is still to be made. */
export function whyNotOwnDirectory(path: string, uid: number): Refusal {
  return whyNotOurs(path, uid, GROUP_OR_OTHER_WRITE)
}

/** The same in a place where everyone may write: nobody else may even look inside. */
export function whyNotPrivateDirectory(path: string, uid: number): Refusal {
  return whyNotOurs(path, uid, GROUP_OR_OTHER_ANY)
}

function whyNotOurs(path: string, uid: number, forbidden: number): Refusal {
  return attempt(() => {
    const found = lstatSync(path, { throwIfNoEntry: false })
    if (found === undefined) return undefined
    if (found.isSymbolicLink()) return 'it is a symbolic link'
    if (!found.isDirectory()) return 'it is not a directory'
    if (found.uid !== uid) return `it belongs to user ${found.uid} and we are user ${uid}`
    if ((found.mode & forbidden) !== 0) return `other users have rights on it (mode ${octal(found.mode)})`
    return whyNotWritable(path)
  })
}

/** May we make things below? Looks at the nearest directory that exists. */
export function whyNotCreatable(path: string): Refusal {
  return attempt(() => {
    const found = statSync(path, { throwIfNoEntry: false })
    if (found === undefined) return path === '/' ? 'it is missing' : whyNotCreatable(dirname(path))
    return found.isDirectory() ? whyNotWritable(path) : `${path} is not a directory`
  })
}

/** /tmp without the sticky bit lets others replace what we make there. */
export function whyNotShared(path: string): Refusal {
  return attempt(() => {
    const found = statSync(path)
    if (!found.isDirectory()) return `${path} is not a directory`
    if ((found.mode & OTHER_WRITE) !== 0 && (found.mode & STICKY) === 0) {
      return `everyone can write to ${path}, and it has no sticky bit`
    }
    return whyNotWritable(path)
  })
}

function whyNotWritable(path: string): Refusal {
  return attempt(() => {
    accessSync(path, constants.W_OK | constants.X_OK)
    return undefined
  })
}

function attempt(look: () => Refusal): Refusal {
  try {
    return look()
  } catch (failure) {
    const errno = errnoOf(failure)
    if (errno === undefined) throw failure
    return errno === 'ENOENT' ? 'it is missing' : strerror(errno)
  }
}

const octal = (mode: number): string => `0${(mode & 0o7777).toString(8)}`
