/** What all parts of one filter share. */
import type { Names } from './names.ts'
import type { Reporter } from './report.ts'
import type { Resolve } from './resolver.ts'
import type { Rule } from './rules.ts'

export interface Scope {
  readonly rules: readonly Rule[]
  readonly names: Names
  readonly resolve: Resolve
  /** Can connections by IPv6 be carried? */
  readonly hasIpv6: boolean
  readonly reporter: Reporter
  /** Who has the other end of a connection that came in; a walk through /proc. */
  readonly owner: (connection: {
    localPort: number
    remotePort: number
  }) => { pid: number; command: string } | undefined
}
