/** A launch plan, for people and for programs. */

import type { Op, Plan } from '../../kernel/plan.ts'
import { opShapes } from '../../kernel/plan-def.ts'
import { opWords, plain } from './op-words.ts'
import { printTable } from './table.ts'

/** A table, one op a line, and what is had only in a weaker form. */
export function printPlan(plan: Plan): string {
  const phases = phasesOf(plan.ops)
  const rows = plan.ops.map((op, place) => {
    return [String(place).padStart(2), phases[place] ?? '', opWord(op), opWords(op), plain(op.origin)]
  })
  const table = printTable([[' #', 'phase', 'op', 'arguments', 'origin'], ...rows], {
    narrowest: 0,
    gap: 2,
    widest: 72,
  })
  if (plan.degradations.length === 0) return table
  const weaker = plan.degradations.map(({ pointer, message }) => `  ${plain(pointer)}  ${message}\n`)
  return `${table}\nweaker than asked for:\n${weaker.join('')}`
}

/** Two spaces, with a newline at the end. Numbers beyond 2^53 are decimal strings. */
export function printPlanJson(plan: Plan): string {
  const phases = phasesOf(plan.ops)
  const ops = plan.ops.map((op, place) => {
    const { op: _, origin, ...args } = op
    return { op: opWord(op), phase: phases[place], origin, ...args }
  })
  const { degradations } = plan
  return `${JSON.stringify({ ops, degradations }, jsonNumber, 2)}\n`
}

/** An op that fits everywhere is in the phase of the one before it. */
function phasesOf(ops: readonly Op[]): string[] {
  let current: string = 'outer'
  return ops.map((op) => {
    const { phase } = opShapes[op.op]
    if (phase !== 'any') current = phase
    return current
  })
}

/** The name as native/plan.def spells it, with dashes. */
function opWord(op: Op): string {
  return op.op.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

function jsonNumber(_key: string, value: unknown): unknown {
  if (typeof value !== 'bigint') return value
  return value <= BigInt(Number.MAX_SAFE_INTEGER) && value >= BigInt(Number.MIN_SAFE_INTEGER)
    ? Number(value)
    : String(value)
}
