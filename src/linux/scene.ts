/** What a plan function may know besides the spec: the facts of this one container, read before, so that all stay pure. */
import type { Degradation } from '../base/issue.ts'
import type { Host, IdRange } from '../host/facts.ts'
import type { Op } from '../kernel/plan.ts'
import type { MayMiss, NamespaceType } from '../spec/names.ts'
import type { Namespace, Spec } from '../spec/types.ts'
import type { Place } from './cgroups/place.ts'

export interface Scene {
  readonly host: Host
  /** Absolute path of the bundle: relative sources of binds start there. */
  readonly bundle: string
  readonly rootfs: { readonly path: string; readonly dev: bigint; readonly ino: bigint }
  /** Maps of a new user namespace; undefined when none is made. */
  readonly maps: SceneMaps | undefined
  /** Where the host has the devices of the spec, by their path in the container; absent is nowhere. */
  readonly deviceNodes: ReadonlyMap<string, string>
  /** The cgroup that the container will have; undefined when it stays in ours. */
  readonly cgroup: SceneCgroup | undefined
  /** Descriptors in init of copies of directories that it may not be able to walk to, by their path. */
  readonly openedTrees?: ReadonlyMap<string, number>
  /** What the caller lets be had in a weaker form. */
  readonly mayMiss: MayMiss
  readonly noPivot: boolean
  /** Keep the caller's session keyring: --no-new-keyring. */
  readonly noNewKeyring: boolean
}

export interface SceneCgroup {
  readonly places: readonly Place[]
  /** Do device rules hold inside, whatever nodes are made there? */
  readonly guardsDevices: boolean
}

export interface SceneMaps {
  readonly uid: readonly IdRange[]
  readonly gid: readonly IdRange[]
  readonly method: 'self' | 'helper' | 'direct'
  readonly denySetgroups: boolean
}

/** What a plan function gives: ops in order, and what is had only in a weaker form. */
export interface Part {
  readonly ops: readonly Op[]
  readonly degradations?: readonly Degradation[]
}

export function namespaceOf(spec: Spec, type: NamespaceType): Namespace | undefined {
  return spec.linux?.namespaces?.find((namespace) => namespace.type === type)
}

const joins = (namespace: Namespace | undefined): boolean => namespace?.path !== undefined && namespace.path !== ''

export const isNew = (spec: Spec, type: NamespaceType): boolean => {
  const namespace = namespaceOf(spec, type)
  return namespace !== undefined && !joins(namespace)
}

export const isJoined = (spec: Spec, type: NamespaceType): boolean => joins(namespaceOf(spec, type))

export const isPrivate = (spec: Spec, type: NamespaceType): boolean => namespaceOf(spec, type) !== undefined

/** Will the container be inside a user namespace, ours or a new one? Then the kernel refuses device nodes and the like. */
export const insideUserNamespace = (spec: Spec, host: Host): boolean => host.inUserNamespace || isPrivate(spec, 'user')

/** Does the map hold this id of the container? */
export const holds = (ranges: readonly IdRange[], id: number): boolean =>
  ranges.some(({ inner, size }) => id >= inner && id < inner + size)
