/** What connects the network namespace of a command with the world, once init has made it. */
import type { Degradation } from '../../base/issue.ts'
import type { NetworkEvent } from './report.ts'

export interface Handed {
  /** See native/init/ops_egress.c. */
  readonly word: string
  readonly fd: number
}

export interface Connection {
  close(): void
}

export interface Connector {
  /** Takes what init handed out. @param pid the first process of the sandbox. @param hear of this command alone. @throws RuntimeError */
  open(handed: readonly Handed[], pid: number, hear?: (event: NetworkEvent) => void): Connection | Promise<Connection>
  /** What is had in a weaker form, by what init has told. */
  weaknesses(note: number): Degradation[]
}
