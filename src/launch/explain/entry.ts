/** The shape of the table that explains failures: one entry an op, in it one line a cause. */
import type { Code } from '../../base/errors.ts'
import type { Host } from '../../host/facts.ts'
import type { Op, OpName } from '../../kernel/plan.ts'
import type { OpArguments } from '../../kernel/plan-def.ts'

export interface Failure {
  readonly op: Op
  /** Symbolic, such as `EPERM`. */
  readonly errno: string
  /** init's own words beside the errno, such as which part failed. */
  readonly detail?: string | undefined
}

type OpByName = { [Name in OpName]: { readonly op: Name; readonly origin: string } & Readonly<OpArguments[Name]> }

/** One failed op with everything that may explain it. */
export interface Attempt<out Name extends OpName> {
  readonly op: OpByName[Name]
  readonly errno: string
  readonly detail: string
  readonly host: Host
}

export type Text<Name extends OpName> = string | ((attempt: Attempt<Name>) => string)

/** What fits several ops fits each of them. */
export interface Cause<in Name extends OpName> {
  readonly errno: string | readonly string[]
  /** What must be seen besides the errno. */
  readonly when?: (attempt: Attempt<Name>) => boolean
  /** The code of the entry when absent. */
  readonly code?: Code
  /** Replaces the words of the entry. */
  readonly what?: Text<Name>
  readonly why: Text<Name>
  readonly fix: Text<Name>
  /** `what` says it already in better words than strerror(3). */
  readonly saysErrno?: boolean
}

export interface Entry<in Name extends OpName> {
  readonly code: Code
  /** What was tried, with its target. */
  readonly what: Text<Name>
  readonly causes: readonly Cause<Name>[]
  /** init's detail is part of `what`, or only for us. */
  readonly saysDetail?: boolean
}

export type Table<Names extends OpName> = { readonly [Name in Names]: Entry<Name> }

/** Failures without an errno of their own: a hook that ended with a status. */
export const NO_ERRNO: ReadonlySet<string> = new Set(['', '0', 'errno 0'])

export const ANY = '*'

/** The first cause that fits; their order is the order of proof. */
export function findCause<Name extends OpName>(
  attempt: Attempt<Name>,
  causes: readonly Cause<Name>[],
): Cause<Name> | undefined {
  return causes.find((cause) => {
    const errnos = typeof cause.errno === 'string' ? [cause.errno] : cause.errno
    return (errnos.includes(attempt.errno) || errnos.includes(ANY)) && (cause.when?.(attempt) ?? true)
  })
}

/** A path inside the container, absolute. */
export const inside = (path: string): string => (path.startsWith('/') ? path : `/${path}`)

/** The names of the bits that are set. */
export function bitNames(value: bigint | number, names: readonly (readonly [name: string, bit: number])[]): string[] {
  const bits = BigInt(value)
  return names.filter(([, bit]) => (bits & BigInt(bit)) !== 0n).map(([name]) => name)
}
