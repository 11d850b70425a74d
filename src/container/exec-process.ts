/** Which process exec runs: a whole description from a file, or the container's own with the flags on top. */
import { errnoOf, RuntimeError } from '../base/errors.ts'
import { findForeignByte, readLimited } from '../base/files.ts'
import { parseProcess } from '../spec/parse.ts'
import type { Capabilities, Process } from '../spec/types.ts'
import { validateProcess } from '../spec/validate.ts'
import { LONGEST_CONFIG, refuse } from './bundle.ts'

export interface ExecProcessOptions {
  readonly args?: readonly string[]
  readonly processFile?: string
  readonly cwd?: string
  readonly env?: readonly string[]
  /** `UID[:GID]`, numbers only. */
  readonly user?: string
  readonly additionalGids?: readonly number[]
  readonly caps?: readonly string[]
  readonly noNewPrivs?: boolean
  readonly tty?: boolean
  readonly apparmor?: string
  readonly processLabel?: string
}

/** @throws RuntimeError `process-invalid` */
export function execProcess(own: Process, options: ExecProcessOptions): Process {
  const process = options.processFile === undefined ? overlay(own, options) : readProcessFile(options.processFile)
  refuse(validateProcess(process), 'error', 'process-invalid')
  return process
}

function readProcessFile(path: string): Process {
  let bytes: Buffer
  try {
    bytes = readLimited(path, LONGEST_CONFIG)
  } catch (cause) {
    const errno = errnoOf(cause)
    throw new RuntimeError('process-invalid', { what: `${path} cannot be read`, ...(errno ? { errno } : {}), cause })
  }
  const foreign = findForeignByte(bytes)
  if (foreign !== undefined)
    throw new RuntimeError('process-invalid', { what: `${path} is not UTF-8: byte ${foreign + 1}` })
  const parsed = parseProcess(bytes.toString())
  if ('issue' in parsed)
    throw new RuntimeError('process-invalid', { what: `${path} is not valid JSON`, details: [parsed.issue.message] })
  refuse(parsed.spelling ?? [], 'error', 'process-invalid')
  return parsed.process
}

function overlay(own: Process, options: ExecProcessOptions): Process {
  if (options.args === undefined || options.args.length === 0)
    throw new RuntimeError('process-invalid', {
      what: 'exec args cannot be empty',
      fix: 'usnea exec ID COMMAND [ARG ...]',
    })
  const { terminal: _terminal, consoleSize, ...rest } = own
  return {
    ...rest,
    args: options.args,
    env: [...(own.env ?? []), ...(options.env ?? [])],
    user: userOf(own, options),
    ...(options.tty ? { terminal: true, ...(consoleSize ? { consoleSize } : {}) } : {}),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.noNewPrivs === undefined ? {} : { noNewPrivileges: options.noNewPrivs }),
    ...(options.apparmor === undefined ? {} : { apparmorProfile: options.apparmor }),
    ...(options.processLabel === undefined ? {} : { selinuxLabel: options.processLabel }),
    ...(options.caps === undefined || options.caps.length === 0 ? {} : { capabilities: withCaps(own, options.caps) }),
  }
}

function userOf(own: Process, { user, additionalGids }: ExecProcessOptions): NonNullable<Process['user']> {
  const groups = [...(own.user?.additionalGids ?? []), ...(additionalGids ?? [])]
  const base = { ...own.user, ...(groups.length > 0 ? { additionalGids: groups } : {}) }
  if (user === undefined) return base
  const [uid = '', gid] = user.split(':', 2)
  return { ...base, uid: parseNumber(uid, 'uid'), ...(gid === undefined ? {} : { gid: parseNumber(gid, 'gid') }) }
}

function parseNumber(text: string, kind: 'uid' | 'gid'): number {
  if (/^\d{1,10}$/.test(text) && Number(text) < 0xffff_ffff) return Number(text)
  throw new RuntimeError('process-invalid', {
    what: `bad ${kind}: ${JSON.stringify(text)}`,
    fix: 'give numbers: --user UID[:GID]',
  })
}

/** As runc: ambient only where the process already has inheritable ones. */
function withCaps(own: Process, caps: readonly string[]): Capabilities {
  const sets = own.capabilities ?? {}
  const names = caps.map((name) => (name.startsWith('CAP_') ? name : `CAP_${name.toUpperCase()}`))
  const add = (set: readonly string[] = []) => [...new Set([...set, ...names])]
  return {
    ...sets,
    bounding: add(sets.bounding),
    effective: add(sets.effective),
    permitted: add(sets.permitted),
    ...((sets.inheritable ?? []).length > 0 ? { ambient: add(sets.ambient) } : {}),
  }
}
