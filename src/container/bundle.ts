/** A bundle on disk: its config.json and its root, read once; later edits do not matter. */
import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { errnoOf, RuntimeError } from '../base/errors.ts'
import { findForeignByte, readLimited } from '../base/files.ts'
import type { Issue } from '../base/issue.ts'
import { pathOf } from '../host/process.ts'
import { withOptionMappings } from '../spec/idmap-option.ts'
import { parseConfig } from '../spec/parse.ts'
import { unsupported } from '../spec/support.ts'
import type { Process, Root, Spec } from '../spec/types.ts'
import { validate } from '../spec/validate.ts'

/** Checked: `root` is there, and `process`, which has no arguments when the configuration has no process. */
export type RunnableSpec = Spec & { readonly process: Process; readonly root: Root }

export interface Bundle {
  readonly path: string
  readonly spec: RunnableSpec
  readonly rootfs: {
    readonly path: string
    readonly dev: bigint
    readonly ino: bigint
    readonly uid: number
    readonly gid: number
  }
  /** Findings that do not stop us. */
  readonly warnings: readonly string[]
}

const errno = (error: unknown) => {
  const name = errnoOf(error)
  return name === undefined ? {} : { errno: name }
}

/** @throws RuntimeError `bundle-missing`, `config-*`, `not-supported-yet`, `rootfs-*` */
export function readBundle(directory: string, config?: string): Bundle {
  const path = realDirectory(directory)
  const { spec, warnings } = readSpec(config ?? join(path, 'config.json'))
  return { path, spec, warnings, rootfs: readRootfs(path, spec.root) }
}

function realDirectory(directory: string): string {
  try {
    const path = realpathSync(directory)
    if (statSync(path).isDirectory()) return path
  } catch (cause) {
    throw new RuntimeError('bundle-missing', {
      what: `the bundle ${directory} cannot be opened`,
      ...errno(cause),
      cause,
    })
  }
  throw new RuntimeError('bundle-missing', { what: `the bundle ${directory} is no directory`, errno: 'ENOTDIR' })
}

function readSpec(file: string): { spec: RunnableSpec; warnings: string[] } {
  const parsed = parseConfig(readText(file))
  if ('issue' in parsed) throw new RuntimeError('config-not-json', { details: [parsed.issue.message] })
  const { spec, spelling = [] } = parsed
  const issues = [...spelling, ...validate(spec)]
  refuse(issues, 'error', 'config-invalid')
  refuse(unsupported(spec), 'unsupported', 'not-supported-yet')
  const warnings = issues
    .filter(({ severity }) => severity === 'warning')
    .map(({ pointer, message }) => `${pointer}: ${message}`)
  return { spec: { ...withOptionMappings(spec as RunnableSpec), process: spec.process ?? nothing }, warnings }
}

/** As crun: what is created without a process ends when it is started. */
const nothing: Process = { args: [], cwd: '/' }

/** Bytes: a plan may be as long, and no more. */
export const LONGEST_CONFIG = 64 << 20

function readText(file: string): string {
  try {
    const bytes = readLimited(file, LONGEST_CONFIG)
    const foreign = findForeignByte(bytes)
    if (foreign === undefined) return bytes.toString()
    throw new RuntimeError('config-not-json', { details: [`${file} is not UTF-8: byte ${foreign + 1}`] })
  } catch (cause) {
    if (cause instanceof RuntimeError) throw cause
    if (errnoOf(cause) === 'ENOENT')
      throw new RuntimeError('config-missing', { details: [file], ...errno(cause), cause })
    throw new RuntimeError('config-missing', { what: `${file} cannot be read`, ...errno(cause), cause })
  }
}

/** All findings at once, each with its place. */
export function refuse(
  issues: readonly Issue[],
  severity: Issue['severity'],
  code: 'config-invalid' | 'not-supported-yet' | 'process-invalid',
): void {
  const found = issues.filter((issue) => issue.severity === severity)
  if (found.length === 0) return
  throw new RuntimeError(code, { details: found.map(({ pointer, message }) => `${pointer || '/'}: ${message}`) })
}

/**
 * The root itself must not be a link; the directories above it may be, and are resolved now. One look at the root gives
 * all that init will hold it against: looking twice would let somebody swap it in between.
 */
function readRootfs(bundle: string, root: Root): Bundle['rootfs'] {
  const asked = resolve(bundle, root.path)
  const origin = '/root/path'
  if (asked === '/')
    throw new RuntimeError('rootfs-invalid', { what: 'invalid rootfs: it is the root of the host', origin })
  try {
    const path = join(realpathSync(dirname(asked)), basename(asked))
    const found = lstatSync(path, { bigint: true })
    if (found.isSymbolicLink()) throw new RuntimeError('rootfs-invalid', { details: [asked], origin })
    if (!found.isDirectory())
      throw new RuntimeError('rootfs-invalid', { what: `invalid rootfs: ${asked} is no directory`, origin })
    const { dev, ino, uid, gid } = found
    return { path, dev, ino, uid: Number(uid), gid: Number(gid) }
  } catch (cause) {
    if (cause instanceof RuntimeError) throw cause
    const code = errnoOf(cause) === 'ENOENT' ? 'rootfs-missing' : 'rootfs-unreachable'
    throw new RuntimeError(code, { details: [asked], ...errno(cause), origin, cause })
  }
}

const MAX_PASSWD = 1 << 20

/** Home directory of a uid by the container's own passwd file. The image is not trusted: no link out, no fifo, no flood. */
export function homeOf(rootfs: string, uid: number): string {
  try {
    const file = realpathSync(join(rootfs, 'etc/passwd'))
    if (!file.startsWith(`${rootfs}/`)) return '/'
    const fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      // Whoever is inside may have put a link in its way since.
      if (!pathOf(fd).startsWith(`${rootfs}/`)) return '/'
      const { size } = fstatSync(fd)
      if (!fstatSync(fd).isFile() || size > MAX_PASSWD) return '/'
      const lines = readFileSync(fd, 'utf8').split('\n')
      const home = lines.find((entry) => entry.split(':')[2] === String(uid))?.split(':')[5] ?? ''
      return /^\/[^\p{Cc}]*$/u.test(home) ? home : '/'
    } finally {
      closeSync(fd)
    }
  } catch {
    return '/'
  }
}
