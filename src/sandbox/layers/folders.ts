/** Which directories are tried. Reads the file system, changes nothing. */
import { readdirSync, realpathSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { errnoOf, RuntimeError } from '../../base/errors.ts'
import type { Host } from '../../host/facts.ts'
import { isWithin } from '../policy.ts'

export interface Wish {
  /** Absolute paths. */
  readonly dirs: readonly string[]
  /** Everything that the user could change, instead. */
  readonly all: boolean
}

const MOST = 256
/** The kernel's own, and what is private in every sandbox anyway. */
const never = ['/proc', '/sys', '/dev', '/run', '/tmp', '/var/tmp', '/var/run', '/lost+found']
const notFiles = new Set(
  'proc sysfs devtmpfs devpts cgroup cgroup2 mqueue debugfs tracefs securityfs bpf pstore configfs hugetlbfs autofs efivarfs binfmt_misc fusectl nsfs'.split(
    ' ',
  ),
)

/** Real paths, none within another. @throws RuntimeError `layer-folder` */
export function chooseFolders({ dirs, all }: Wish, host: Host): string[] {
  const wanted = all ? everything(host) : dirs.map(realFolder)
  const found = [...new Set(wanted)].sort()
  if (found.length > MOST)
    throw new RuntimeError('layer-folder', {
      what: `${found.length} folders would have to be tried, because something is mounted in so many places; ${MOST} at most`,
      fix: 'name folders with --dir',
    })
  return found.filter((path) => !found.some((other) => other !== path && isWithin(path, other)))
}

function realFolder(path: string): string {
  const real = attempt(path, () => realpathSync(path))
  if (!attempt(path, () => statSync(real).isDirectory()))
    throw new RuntimeError('layer-folder', { what: `${path} is not a directory`, fix: 'name the directory it lies in' })
  if (real === '/')
    throw new RuntimeError('layer-folder', { what: 'the root directory cannot be tried as one', fix: 'use --all' })
  const kernels = ['/proc', '/sys', '/dev'].find((place) => isWithin(real, place))
  if (kernels !== undefined)
    throw new RuntimeError('layer-folder', {
      what: `${path} cannot be tried: ${kernels} is the kernel's own`,
      fix: 'name a directory with files of yours',
    })
  return real
}

function attempt<T>(path: string, look: () => T): T {
  try {
    return look()
  } catch (error) {
    const errno = errnoOf(error)
    throw new RuntimeError('layer-folder', {
      what: `${path} cannot be tried`,
      ...(errno === undefined ? {} : { errno }),
      fix: 'name a directory that is there, and that you may read',
      cause: error,
    })
  }
}

/** An overlay ends where something is mounted; a directory around that is taken apart. */
function everything(host: Host): string[] {
  const isKernels = (path: string) =>
    never.includes(path) || host.mounts.some(({ target, fstype }) => target === path && notFiles.has(fstype))
  const apart = [...never, ...host.mounts.map(({ target }) => target)]
  const found: string[] = []
  const waiting = ['/']
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (isKernels(path)) continue
    const isWhole = path !== '/' && !apart.some((place) => place !== path && isWithin(place, path))
    if (isWhole) found.push(path)
    else waiting.push(...directoriesIn(path))
  }
  return found
}

function directoriesIn(path: string): string[] {
  try {
    const entries = readdirSync(path, { withFileTypes: true })
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(path, name))
  } catch {
    return [] // what we may not read we could not change either
  }
}

/** The path without links, also of what is not made yet. */
export function realPlace(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path === '/' ? path : join(realPlace(dirname(path)), path.slice(path.lastIndexOf('/') + 1))
  }
}
