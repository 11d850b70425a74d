/**
 * The one error class. Its words come from one catalogue (`catalogue.ts`); a throw adds only the facts of the case.
 * Four parts, always: what was tried, the errno, the cause we confirmed, the fix.
 */
import { type Code, catalogue } from './catalogue.ts'

export type { Code } from './catalogue.ts'

export interface ErrorFacts {
  /** What was tried: a sentence that names the target. Replaces the catalogue's own first words. */
  readonly what?: string
  /** Symbolic errno, such as `EPERM`. */
  readonly errno?: string
  /** The confirmed cause; begin with `probably` when it was not confirmed. */
  readonly why?: string
  /** The command or change that mends it. */
  readonly fix?: string
  /** A JSON pointer into config.json, or the option it came from. */
  readonly origin?: string
  /** Several findings of one check, all shown. */
  readonly details?: readonly string[]
  readonly cause?: unknown
}

export class RuntimeError extends Error {
  readonly code: Code
  readonly errno: string | undefined
  readonly what: string
  readonly why: string | undefined
  readonly fix: string | undefined
  readonly origin: string | undefined
  readonly details: readonly string[]

  constructor(code: Code, facts: ErrorFacts = {}) {
    const entry = catalogue[code]
    const what = facts.what ?? entry.what
    const why = facts.why ?? entry.why
    const fix = facts.fix ?? entry.fix
    super(sentence({ what, errno: facts.errno, why, fix, origin: facts.origin, details: facts.details ?? [] }), {
      ...(facts.cause === undefined ? {} : { cause: facts.cause }),
    })
    this.name = 'RuntimeError'
    this.code = code
    this.what = what
    this.errno = facts.errno
    this.why = why
    this.fix = fix
    this.origin = facts.origin
    this.details = facts.details ?? []
  }

  /** Process exit status for the command line (sysexits are not used: callers expect 1, exec 255). */
  get exitStatus(): number {
    return catalogue[this.code].exit ?? 1
  }

  /** The same failure with another way out, for a caller that knows better what may be done. */
  withFix(fix: string): RuntimeError {
    const { what, why, errno, origin, details, cause } = this
    const known = { ...(why ? { why } : {}), ...(errno ? { errno } : {}), ...(origin ? { origin } : {}) }
    return new RuntimeError(this.code, { what, fix, details, ...known, ...(cause === undefined ? {} : { cause }) })
  }

  /** The same failure with more that was found. */
  withDetails(found: readonly string[]): RuntimeError {
    const { what, why, fix, errno, origin, details, cause } = this
    const known = { ...(why ? { why } : {}), ...(errno ? { errno } : {}), ...(origin ? { origin } : {}) }
    const rest = { ...(fix ? { fix } : {}), ...(cause === undefined ? {} : { cause }) }
    return new RuntimeError(this.code, { what, details: [...details, ...found], ...known, ...rest })
  }

  /** The page and heading that explain this code. */
  get docs(): string {
    return `docs/errors.md#${this.code}`
  }
}

interface Parts {
  readonly what: string
  readonly errno: string | undefined
  readonly why: string | undefined
  readonly fix: string | undefined
  readonly origin: string | undefined
  readonly details: readonly string[]
}

/** Callers match words at the front (reference cli.md §5.5): the OCI words first, our hint after `; `. */
function sentence({ what, errno, why, fix, origin, details }: Parts): string {
  let text = what
  if (details.length > 0) text += `: ${details.join('; ')}`
  if (errno !== undefined) text += `: ${strerror(errno)}`
  if (origin !== undefined) text += ` (${origin})`
  if (why !== undefined) text += `; cause: ${why}`
  if (fix !== undefined) text += `; fix: ${fix}`
  return text
}

const words: Record<string, string> = {
  EPERM: 'operation not permitted',
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EEXIST: 'file exists',
  ENOTDIR: 'not a directory',
  EISDIR: 'is a directory',
  EINVAL: 'invalid argument',
  ENOSPC: 'no space left on device',
  EROFS: 'read-only file system',
  EFBIG: 'file too large',
  ELOOP: 'too many levels of symbolic links',
  ENOSYS: 'function not implemented',
  ENOEXEC: 'exec format error',
  EBUSY: 'device or resource busy',
  EAGAIN: 'resource temporarily unavailable',
  ENODEV: 'no such device',
  E2BIG: 'argument list too long',
  ENAMETOOLONG: 'file name too long',
  ESRCH: 'no such process',
  ESTALE: 'stale file handle',
  EXDEV: 'invalid cross-device link',
  ETIMEDOUT: 'connection timed out',
  ENOMEM: 'cannot allocate memory',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset by peer',
  ENOTSOCK: 'socket operation on non-socket',
  EPROTOTYPE: 'protocol wrong type for socket',
  EPIPE: 'broken pipe',
  ENOTCONN: 'transport endpoint is not connected',
  EMFILE: 'too many open files',
  EUSERS: 'too many users',
}

/** strerror(3), lower case as Go prints it, because callers match those words. */
export function strerror(errno: string): string {
  return words[errno] ?? errno
}

export function isRuntimeError(error: unknown, code?: Code): error is RuntimeError {
  return error instanceof RuntimeError && (code === undefined || error.code === code)
}

/** The errno of a Node system error, or undefined. */
export function errnoOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
