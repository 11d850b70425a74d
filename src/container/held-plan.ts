/** What holds the limits of a command is a part of its plan. Pure. */
import type { Op, Plan } from '../kernel/plan.ts'
import { messages } from '../kernel/plan-def.ts'
import type { Hold } from './hold/amounts.ts'

/** With what its first process does, and waits for, so that its limits hold from the beginning on. */
export function heldPlan(plan: Plan, hold: Hold | undefined): Plan {
  if (hold === undefined) return plan
  const ops = lingering(plan.ops, hold)
  return { ...plan, ops: [...hold.ops, ...(hold.waits ? waiting(ops) : ops)] }
}

/** With a first process that waits at the end, where something is to be looked at then. */
export const lingering = (ops: readonly Op[], hold: Hold | undefined): readonly Op[] =>
  hold?.ending === undefined
    ? ops
    : ops.map((op) => (op.op === 'reap' || op.op === 'reapTree' ? { ...op, lingers: 1 } : op))

function waiting(ops: readonly Op[]): Op[] {
  const born = ops.findIndex(({ op }) => op === 'born') + 1
  return [...ops.slice(0, born), { op: 'wait', message: messages.placed, origin: 'limits' }, ...ops.slice(born)]
}
