/** A launch plan: a flat list of ops, each with its origin. The ops themselves are declared once, in native/plan.def. */
import type { Degradation } from '../base/issue.ts'
import type { OpArguments } from './plan-def.ts'

export type OpName = keyof OpArguments

/** One step of init. `origin` is a JSON pointer into config.json, or the sandbox option it came from. */
export type Op = {
  [Name in OpName]: { readonly op: Name; readonly origin: string } & Readonly<OpArguments[Name]>
}[OpName]

/** One line of an id map: user_namespaces(7). `outer` is an id of the namespace that we run in. */
interface MapLine {
  readonly inner: number
  readonly outer: number
  readonly size: number
}

/** What the parent writes while init waits for `mapsWritten`. */
export interface IdMaps {
  readonly uid: readonly MapLine[]
  readonly gid: readonly MapLine[]
}

export interface Plan {
  readonly ops: readonly Op[]
  /** What was asked for and is had only in a weaker form. */
  readonly degradations: readonly Degradation[]
  /** Of a sandbox whose maps need newgidmap; without them it writes its own. */
  readonly maps?: IdMaps | undefined
  /** What init is called as long as it stays: lists of processes show it to everybody. */
  readonly label?: string
}
