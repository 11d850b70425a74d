/** What a caller may ask of a layer, checked and made absolute. */
import type { Op } from '../kernel/plan.ts'
import { type Backend, backendNames, isBackend } from './backends.ts'
import { absolute, wrong } from './option-values.ts'

/** What is tried, and where the changes are kept. */
export interface LayerOptions {
  /** A layer of that name lives on; it is made when it is not there. Default: a new one with a name of ours. */
  readonly name?: string
  /** Directories, of a new layer. Default: the caller's working directory. */
  readonly dirs?: readonly string[]
  /** Everything that the user could change, instead of `dirs`. Default false. */
  readonly all?: boolean
  /**
   * `overlay` needs the kernel's help, `fuse-overlayfs` that program and /dev/fuse, `copy` copies the directories first.
   * Default: what works, in this order.
   */
  readonly backend?: Backend
}

export interface CheckedLayer {
  readonly name: string | undefined
  readonly dirs: readonly string[]
  readonly all: boolean
  readonly backend: Backend | undefined
}

/** A directory of the host whose changes go elsewhere. */
export type Overlay = Omit<Op & { op: 'holdOverlay' }, 'slot'>

/** @throws RuntimeError `sandbox-option` */
export function checkLayer(layer: string | LayerOptions | undefined, cwd: string): CheckedLayer | undefined {
  if (layer === undefined) return undefined
  const { name, dirs = [], all = false, backend } = typeof layer === 'string' ? { name: layer } : layer
  if (name !== undefined && typeof name !== 'string') throw wrong('layer', 'a name is expected')
  if (!Array.isArray(dirs) || dirs.some((path) => typeof path !== 'string'))
    throw wrong('layer', 'a list of directories is expected')
  if (all && dirs.length > 0) throw wrong('layer', 'either directories, or everything')
  if (backend !== undefined && !isBackend(backend))
    throw wrong('layer', `${JSON.stringify(backend)} is none of ${backendNames.join(', ')}`)
  return { name, dirs: dirs.map((path: string) => absolute(path, 'dir', cwd)), all, backend }
}
