/** The plans of the processes that criu needs: itself, and a loopback interface in a namespace that it leaves empty. Pure. */
import { CLONE_NEWNET, CLONE_NEWNS, MS_REC, MS_SLAVE } from '../../kernel/constants.ts'
import type { Op, Plan } from '../../kernel/plan.ts'
import { messages } from '../../kernel/plan-def.ts'

const origin = 'criu'

export interface CriuProgram {
  readonly path: string
  /** NAME=VALUE */
  readonly env: readonly string[]
  /** Descriptors 3 … 2+fds are its: the first is the socket of the conversation. */
  readonly fds: number
}

const swrk = ({ path, env, fds }: CriuProgram): Op => ({
  op: 'exec',
  file: path,
  search: '',
  argv: ['criu', 'swrk', '3'],
  env,
  keepFds: fds,
  origin,
})

/** A criu that looks at a container from where we are. */
export const planDumper = (program: CriuProgram): Plan => ({
  ops: [{ op: 'born', flags: 0, origin }, swrk(program)],
  degradations: [],
})

export interface RestorerPlace {
  readonly rootfs: { readonly path: string; readonly dev: bigint; readonly ino: bigint }
  /** It waits until it is in the container's cgroup. */
  readonly isPlaced: boolean
  readonly newKeyring: boolean
  readonly keyLabel: string
}

/**
 * A criu that makes a container. Its mounts are a copy of ours that ends with it, in which the root is a mount of its own:
 * criu asks for that. What is not in an image, such as the keyring, the container gets from it.
 */
export function planRestorer(program: CriuProgram, { rootfs, isPlaced, newKeyring, keyLabel }: RestorerPlace): Plan {
  const ops: Op[] = [
    { op: 'born', flags: CLONE_NEWNS, origin },
    ...(isPlaced ? [{ op: 'wait', message: messages.placed, origin } as const] : []),
    ...(newKeyring ? [{ op: 'keyring', label: keyLabel, origin } as const] : []),
    { op: 'propagate', flags: MS_SLAVE | MS_REC, origin },
    { op: 'coverRoot', ...rootfs, origin: '/root/path' },
    swrk(program),
  ]
  return { ops, degradations: [] }
}

/** Descriptor 3 is the network namespace. */
export const planLoopback: Plan = {
  ops: [
    { op: 'join', fd: 3, type: CLONE_NEWNET, name: 'network namespace of the container', origin },
    { op: 'born', flags: 0, origin },
    { op: 'loopback', origin },
    { op: 'finish', status: 0, origin },
  ],
  degradations: [],
}
