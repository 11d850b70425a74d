/** Turns `{op, errno}` of init into the four-part message: what was tried, the errno, the cause, the fix. Pure. */
import { RuntimeError } from '../base/errors.ts'
import type { Host } from '../host/facts.ts'
import type { Op, OpName } from '../kernel/plan.ts'
import { explainConversation } from './explain/conversation.ts'
import { explainEgress } from './explain/egress.ts'
import { type Attempt, type Entry, type Failure, findCause, NO_ERRNO, type Table, type Text } from './explain/entry.ts'
import { explainFiles } from './explain/files.ts'
import { usualCause } from './explain/general.ts'
import { explainIdentity } from './explain/identity.ts'
import { explainLabels } from './explain/labels.ts'
import { explainLandlock } from './explain/landlock.ts'
import { explainLive } from './explain/live.ts'
import { explainMounts } from './explain/mounts.ts'
import { explainNamespaces } from './explain/namespaces.ts'
import { explainOverlay } from './explain/overlay.ts'
import { explainProgram } from './explain/program.ts'
import { explainRoot } from './explain/root.ts'
import { explainScheduling } from './explain/scheduling.ts'
import { explainSeccomp } from './explain/seccomp.ts'
import { explainSources } from './explain/sources.ts'
import { explainTerminal } from './explain/terminal.ts'

export type { Failure } from './explain/entry.ts'

/** Every op has an entry: the compiler sees to it. */
const table: Table<OpName> = {
  ...explainNamespaces,
  ...explainIdentity,
  ...explainRoot,
  ...explainMounts,
  ...explainOverlay,
  ...explainSources,
  ...explainLive,
  ...explainFiles,
  ...explainEgress,
  ...explainTerminal,
  ...explainSeccomp,
  ...explainLandlock,
  ...explainLabels,
  ...explainProgram,
  ...explainScheduling,
  ...explainConversation,
}

/**
 * The cause is confirmed from the host's facts where they can show it, and begins with `probably` where they cannot.
 * The words that callers match come first.
 */
export function explain(failure: Failure, host: Host): RuntimeError {
  const attempt = { op: failure.op, errno: failure.errno, detail: failure.detail?.trim() ?? '', host }
  return build(attempt, entryOf(failure.op))
}

/** The entry of an op takes just that op: the key and the argument belong together, which the compiler cannot see. */
const entryOf = (op: Op): Entry<OpName> => table[op.op] as Entry<OpName>

function build(attempt: Attempt<OpName>, entry: Entry<OpName>): RuntimeError {
  const cause = findCause(attempt, entry.causes) ?? usualCause(attempt)
  const text = (value: Text<OpName>) => (typeof value === 'string' ? value : value(attempt))
  const isDetailSaid = entry.saysDetail === true || attempt.detail === ''
  const isErrnoSaid = cause.saysErrno === true || NO_ERRNO.has(attempt.errno)
  return new RuntimeError(cause.code ?? entry.code, {
    what: text(cause.what ?? entry.what),
    why: text(cause.why),
    fix: text(cause.fix),
    origin: attempt.op.origin,
    ...(isErrnoSaid ? {} : { errno: attempt.errno }),
    ...(isDetailSaid ? {} : { details: [attempt.detail] }),
  })
}
