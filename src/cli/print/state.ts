/** The state of one container, in the order of keys that runc prints. */
import type { ContainerState } from '../../container/state.ts'

/** Two spaces, no newline at the end. */
export function printState(state: ContainerState): string {
  return JSON.stringify(orderedState(state), null, 2)
}

/** Annotations are left out when there are none. */
export function orderedState(state: ContainerState): object {
  const { ociVersion, id, pid, status, bundle, rootfs, created, annotations, owner } = state
  const noted = annotations !== undefined && Object.keys(annotations).length > 0
  return { ociVersion, id, pid, status, bundle, rootfs, created, ...(noted ? { annotations } : {}), owner }
}
