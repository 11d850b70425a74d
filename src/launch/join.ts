/** The plan of exec: into the namespaces of a running container, then like any process of it. Pure. */
import { cloneFlags } from '../kernel/constants.ts'
import type { Op, Plan } from '../kernel/plan.ts'
import { messages } from '../kernel/plan-def.ts'
import { type ProcessScene, planOomScore, planProcess } from '../linux/process/plan.ts'
import { planTerminal } from '../linux/tty/plan.ts'
import type { NamespaceType, Process } from '../spec/types.ts'

export interface JoinOptions {
  /** Namespaces to enter, in order; `fd` is their descriptor in init. */
  readonly joins: readonly { readonly type: NamespaceType; readonly fd: number }[]
  readonly process: ProcessScene
  /** We stay and move what the terminal says; else somebody else gets it. */
  readonly isAttended: boolean
}

export function compileJoin(process: Process, { joins, process: scene, isAttended }: JoinOptions): Plan {
  const origin = '/linux/namespaces'
  const body = planProcess(process, scene)
  const oom = planOomScore(process, scene)
  const ops: Op[] = [
    ...oom.ops,
    ...joins.map(
      ({ type, fd }): Op => ({
        op: 'join',
        fd,
        type: cloneFlags[type],
        name: `${type} namespace of the container`,
        origin,
      }),
    ),
    // Undumpable from here on, so that nobody inside can look into us before we are the program.
    { op: 'become', uid: 0, gid: 0, clearGroups: 0, origin },
    { op: 'born', flags: 0, origin },
    { op: 'session', origin },
    ...planTerminal(process, { isAttended, origin: scene.origin }),
    { op: 'keyring', origin },
    ...body.ops,
    { op: 'say', message: messages.ready, origin: scene.origin },
    { op: 'wait', message: messages.go, origin: scene.origin },
    body.exec,
  ]
  return { ops, degradations: [...(oom.degradations ?? []), ...(body.degradations ?? [])] }
}
