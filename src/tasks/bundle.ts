/** The directory that a shim gets for a task: made whole or not at all, removed whole or not at all. */
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { Dispose } from '../base/dispose.ts'
import { errnoOf, RuntimeError } from '../base/errors.ts'
import { makeDirectories } from '../base/files.ts'
import { run } from '../base/run.ts'
import { isWithin, readMounts } from '../host/mountinfo.ts'

/** Hidden, so that no task can have such a name: identifiers begin with a letter or digit. */
const GONE = '.gone-'

export interface BundleWish {
  /** Of the namespace, below the state directory. */
  readonly parent: string
  readonly id: string
  /** config.json, byte for byte. */
  readonly spec: Uint8Array
  readonly uid: number
}

/** @throws RuntimeError `task-exists`, `task-bundle`, `task-request`; nothing is left behind then */
export async function makeBundle({ parent, id, spec, uid }: BundleWish): Promise<string> {
  const path = join(parent, id)
  const group = groupOf(spec)
  await using undo = new Dispose()
  try {
    makeDirectories(parent, 0o711)
    // The exclusive mkdir(2) is what gives the id to one of several callers.
    mkdirSync(path, { mode: 0o700 })
    undo.push(() => rmSync(path, { recursive: true, force: true }))
    openFor(path, group, uid)
    mkdirSync(join(path, 'rootfs'), { mode: 0o711 })
    // It holds the environment, and with it secrets.
    writeFileSync(join(path, 'config.json'), spec, { mode: 0o600, flag: 'wx' })
    // Shims write their log to what bears this name, and wait where it is a fifo that nobody reads.
    writeFileSync(join(path, 'log'), '', { mode: 0o600, flag: 'wx' })
  } catch (cause) {
    const errno = errnoOf(cause)
    if (errno === 'EEXIST') throw new RuntimeError('task-exists', { what: `task ${id} already exists`, cause })
    if (errno === undefined) throw cause
    throw new RuntimeError('task-bundle', { what: `the bundle ${path} cannot be written`, errno, cause })
  }
  undo.disarm()
  return path
}

/**
 * The host's number of the group that is 0 in the container, where the mapping has a line that says so; else 0.
 * @throws RuntimeError `task-request`
 */
export function groupOf(spec: Uint8Array): number {
  let config: unknown
  try {
    config = JSON.parse(Buffer.from(spec).toString())
  } catch (cause) {
    throw new RuntimeError('task-request', {
      what: 'config.json is not valid JSON',
      why: (cause as Error).message,
      cause,
    })
  }
  const mappings = field(field(config, 'linux'), 'gidMappings')
  const zero = Array.isArray(mappings) ? mappings.find((entry) => field(entry, 'containerID') === 0) : undefined
  const host = zero === undefined ? 0 : field(zero, 'hostID')
  return typeof host === 'number' && Number.isSafeInteger(host) && host >= 0 ? host : 0
}

/** As Go reads JSON: in any case of letters, the exact one first. */
function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  const record = value as Record<string, unknown>
  if (Object.hasOwn(record, name)) return record[name]
  const found = Object.keys(record).find((key) => key.toLowerCase() === name.toLowerCase())
  return found === undefined ? undefined : record[found]
}

/**
 * Lets the container's root pass, who is another group of the host: 0710. A user may give files only to groups of their
 * own, so there everyone may pass: what is above is closed to other users, and config.json is to all but its owner.
 */
function openFor(path: string, group: number, uid: number): void {
  if (group === 0) return
  try {
    chownSync(path, -1, group)
    chmodSync(path, 0o710)
  } catch (error) {
    if (errnoOf(error) !== 'EPERM' || uid === 0) throw error
    chmodSync(path, 0o711)
  }
}

/**
 * Removes a bundle: from the moment of the rename(2) nobody takes it for a task. What is mounted in it is taken off
 * first, where we may; where we may not, nothing is removed.
 * @throws RuntimeError `task-bundle-mounted`, `task-bundle`
 */
export async function removeBundle(path: string): Promise<void> {
  if (!existsSync(path)) return
  await unmountBelow(path)
  const gone = join(dirname(path), `${GONE}${basename(path)}-${process.pid}-${Math.random().toString(36).slice(2)}`)
  try {
    renameSync(path, gone)
    removeTree(gone)
  } catch (cause) {
    const errno = errnoOf(cause)
    if (errno === 'ENOENT') return
    throw new RuntimeError('task-bundle', {
      what: `the bundle ${path} cannot be removed`,
      ...(errno && { errno }),
      cause,
    })
  }
}

/** Looked at once more right before: a mount that came meanwhile is worth more than a tidy directory. */
function removeTree(path: string): void {
  const [mounted] = mountsBelow(path)
  if (mounted !== undefined)
    throw new RuntimeError('task-bundle-mounted', { what: `${path} is not removed: ${mounted} is a mount` })
  rmSync(path, { recursive: true, force: true })
}

/** Innermost first. */
function mountsBelow(path: string): string[] {
  const found = readMounts('/proc').filter(({ target }) => isWithin(target, path))
  return found.map(({ target }) => target).reverse()
}

async function unmountBelow(path: string): Promise<void> {
  // Each mount on a path that bears several needs a call of its own; 1000 is more than any bundle has.
  for (let count = 0; count < 1000; count++) {
    const [target] = mountsBelow(path)
    if (target === undefined) return
    // --lazy: what is busy goes when it is not any more. --no-canonicalize: no link is followed on the way.
    const result = await run('umount', ['--lazy', '--no-canonicalize', target], {
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    })
    if (result.status !== 0)
      throw new RuntimeError('task-bundle-mounted', {
        what: `the bundle ${path} is not removed: ${target} is a mount`,
        why: result.stderr || 'it could not be unmounted',
        fix: `umount --lazy ${target}, and delete the task again`,
      })
  }
}

/** What an interrupted removal left. @returns what could not be removed, in words */
export function sweepBundles(parent: string): string[] {
  if (!existsSync(parent)) return []
  return readdirSync(parent)
    .filter((name) => name.startsWith('.'))
    .flatMap((name) => {
      try {
        removeTree(join(parent, name))
        return []
      } catch (error) {
        return [(error as Error).message]
      }
    })
}
