/** The plan of `mounts add` and `mounts remove`: into a running container, and out again. Pure. */
import { cloneFlags } from '../kernel/constants.ts'
import type { Op, Plan } from '../kernel/plan.ts'
import { messages } from '../kernel/plan-def.ts'
import type { NamespaceType } from '../spec/names.ts'
import { enter } from './join.ts'

const origin = '/mounts'

export interface ChangeOptions {
  /** What is entered, in order; `fd` is its descriptor in init. */
  readonly joins: readonly { readonly types: readonly NamespaceType[]; readonly fd: number }[]
  /** The ids that count as root inside. */
  readonly root: { readonly uid: number; readonly gid: number }
  /** Else the user namespace is entered first, on its own, and sources are opened with its powers. */
  readonly isPrivileged: boolean
  /** Opens sources. */
  readonly before: readonly Op[]
  readonly after: readonly Op[]
}

export function compileChange({ joins, root, isPrivileged, before, after }: ChangeOptions): Plan {
  const become: Op = { op: 'become', ...root, clearGroups: 0, origin }
  // In a copy of our mount namespace that belongs to the user namespace: we have no power over the original.
  const own: Op = { op: 'unshare', flags: cloneFlags.mount, origin }
  const entered = (chosen: ChangeOptions['joins']) => chosen.map(({ types, fd }) => enter(types, fd))
  const user = joins.filter(({ types }) => types.includes('user'))
  const others = joins.filter(({ types }) => !types.includes('user'))
  const entries: Op[] = isPrivileged
    ? [...before, ...entered(joins), become]
    : [...entered(user), become, own, ...before, ...entered(others)]
  const ops: Op[] = [
    { op: 'holdProc', origin },
    ...entries,
    { op: 'born', flags: 0, origin },
    { op: 'rootHere', origin },
    ...after,
    { op: 'say', message: messages.ready, origin },
    { op: 'finish', status: 0, origin },
  ]
  return { ops, degradations: [] }
}
