/** Which group of resctrl a container gets. Pure. */
import { join } from 'node:path'
import type { Resctrl } from '../../host/facts.ts'
import type { IntelRdt } from '../../spec/types.ts'
import { linesOf } from './schemata.ts'

export interface RdtPlan {
  readonly root: string
  /** The group of the class of service. */
  readonly group: string
  /** `own`: of this container alone, gone with it. `named`: somebody may share it. `default`: everybody's. */
  readonly kind: 'own' | 'named' | 'default'
  /** What its `schemata` shall hold; none leaves it as it is. */
  readonly lines: readonly string[]
  /** A group that only counts. */
  readonly monitor: string | undefined
}

/** runtime-spec 1.3, config-linux.md, IntelRdt. */
export function planRdt(rdt: IntelRdt | undefined, resctrl: Resctrl | undefined, id: string): RdtPlan | undefined {
  if (!rdt || !resctrl) return undefined
  const { closID = '', enableMonitoring = false } = rdt
  const kind = closID === '' ? 'own' : closID === '/' ? 'default' : 'named'
  const group = kind === 'default' ? resctrl.root : join(resctrl.root, kind === 'own' ? id : closID)
  const monitor = enableMonitoring ? join(group, 'mon_groups', id) : undefined
  return { root: resctrl.root, group, kind, lines: linesOf(rdt), monitor }
}
