/** One failed op for each failure class of docs/rootless.md, with the machine it happens on and the whole message. */
import type { Code } from '../../../src/base/errors.ts'
import type { Host } from '../../../src/host/facts.ts'
import { parseMountinfo } from '../../../src/host/mountinfo.ts'
import type { Op } from '../../../src/kernel/plan.ts'
import { aHost, nestedRoot, noSubIds, realRoot } from '../host/literal.ts'

export interface FailureCase {
  readonly name: string
  readonly op: Op
  readonly errno: string
  readonly detail?: string
  readonly host?: Host
  readonly code: Code
  readonly message: string
}
