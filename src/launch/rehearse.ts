/**
 * The part of a container's plan that makes the places for its mounts, and then ends. For a restore: criu mounts, but asks
 * that every mount point is there. init makes them as it does for `create`, so no link of an image leads it astray.
 */
import type { Op, Plan } from '../kernel/plan.ts'
import { messages, opShapes } from '../kernel/plan-def.ts'

/** What only a container that stays needs, or what would be felt in a namespace that is joined. */
const left: ReadonlySet<Op['op']> = new Set([
  'oomScore',
  'affinity',
  'rlimit',
  'hook',
  'terminal',
  'console',
  'keyring',
  'loopback',
  'egress',
  'handNetwork',
  'hostname',
  'domainname',
  'sysctl',
])
const words: ReadonlySet<number> = new Set([messages.usernsMade, messages.mapsWritten])
const late: ReadonlySet<string> = new Set(['process', 'last'])

/** Pure. */
export function rehearsal({ ops }: Plan): Plan {
  const end = ops.findIndex(({ op }) => late.has(opShapes[op].phase))
  const kept = ops.slice(0, end).filter((op) => {
    if (op.op === 'say' || op.op === 'wait') return words.has(Number(op.message))
    return !left.has(op.op)
  })
  return { ops: [...kept, { op: 'finish', status: 0, origin: '/mounts' }], degradations: [] }
}
