/** The state of one container, in the order of keys that runc prints. */
import type { ContainerState } from './oci-state.ts'
import type { LimitedState } from './state.ts'

/** Two spaces, no newline at the end. */
export function stateText(state: LimitedState): string {
  // Limits of single processes every configuration has; what a cgroup should hold may fail to be had.
  const limits = (state.limits ?? []).filter(({ enforcedBy }) => enforcedBy !== 'rlimit')
  return JSON.stringify({ ...orderedState(state), ...(limits.length > 0 ? { limits } : {}) }, null, 2)
}

/** Annotations are left out when there are none. */
export function orderedState(state: ContainerState): object {
  const { ociVersion, id, pid, status, bundle, rootfs, created, annotations, owner } = state
  const noted = annotations !== undefined && Object.keys(annotations).length > 0
  return { ociVersion, id, pid, status, bundle, rootfs, created, ...(noted ? { annotations } : {}), owner }
}
