/** A launch plan: a flat list of ops, each with its origin. The ops themselves are declared once, in native/plan.def. */
import type { Degradation } from '../base/issue.ts'
import type { OpArguments } from './plan-def.ts'

export type OpName = keyof OpArguments

/** One step of init. `origin` is a JSON pointer into config.json, or the sandbox option it came from. */
export type Op = {
  [Name in OpName]: { readonly op: Name; readonly origin: string } & Readonly<OpArguments[Name]>
}[OpName]

export interface Plan {
  readonly ops: readonly Op[]
  /** What was asked for and is had only in a weaker form. */
  readonly degradations: readonly Degradation[]
  /** What init is called as long as it stays: lists of processes show it to everybody. */
  readonly label?: string
}
