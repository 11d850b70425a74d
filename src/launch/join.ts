/** The plan of exec: into the namespaces of a running container, then like any process of it. Pure. */

import { cloneFlags } from '../kernel/constants.ts'
import type { Op, Plan } from '../kernel/plan.ts'
import { messages } from '../kernel/plan-def.ts'
import { keyLabel } from '../linux/lsm/plan.ts'
import { type ProcessScene, planOomScore, planProcess } from '../linux/process/plan.ts'
import { planFinalAffinity, planInitialAffinity } from '../linux/process/scheduling.ts'
import type { FilterPlan } from '../linux/seccomp/plan.ts'
import { planTerminal } from '../linux/tty/plan.ts'
import type { NamespaceType } from '../spec/names.ts'
import type { Process } from '../spec/types.ts'
import { placedOp } from './compile.ts'

const origin = '/linux/namespaces'

export interface JoinOptions {
  /** Namespaces to enter, in order; `fd` is their descriptor in init, or that of a process in all of them. */
  readonly joins: readonly { readonly types: readonly NamespaceType[]; readonly fd: number }[]
  /** The ids that count as root inside: 0 where it is mapped. */
  readonly root: { readonly uid: number; readonly gid: number }
  readonly process: ProcessScene
  /** We stay and move what the terminal says; else somebody else gets it. */
  readonly isAttended: boolean
  /** Is the process put into a cgroup? */
  readonly isPlaced: boolean
  /** The container's filter holds for it too. */
  readonly filter: FilterPlan
}

export function compileJoin(process: Process, options: JoinOptions): Plan {
  const { joins, root, process: scene, isAttended, isPlaced, filter } = options
  const body = planProcess(process, scene)
  const oom = planOomScore(process, scene)
  const ops: Op[] = [
    ...oom.ops,
    ...planInitialAffinity(process, scene.origin),
    ...joins.map(({ types, fd }) => enter(types, fd)),
    // Undumpable from here on, so that nobody inside can look into us before we are the program.
    { op: 'become', ...root, clearGroups: 0, origin },
    { op: 'born', flags: 0, origin },
    ...(isPlaced ? [placedOp(origin)] : []),
    { op: 'session', origin },
    ...planTerminal(process, { isAttended, origin: scene.origin }),
    { op: 'keyring', label: keyLabel(process, scene.host), origin },
    ...planFinalAffinity(process, scene.origin),
    ...body.ops,
    ...filter.early,
    { op: 'say', message: messages.ready, origin: scene.origin },
    { op: 'wait', message: messages.go, origin: scene.origin },
    ...filter.late,
    body.exec,
  ]
  return { ops, degradations: [...(oom.degradations ?? []), ...(body.degradations ?? [])] }
}

export function enter(types: readonly NamespaceType[], fd: number): Op {
  const type = types.reduce((flags, name) => flags | cloneFlags[name], 0) >>> 0
  return { op: 'join', fd, type, name: `namespaces of the container: ${types.join(', ')}`, origin }
}
