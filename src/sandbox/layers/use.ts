/** How a sandbox runs in a layer: its folders stand where the host's are, and nothing else writes to them. */
import type { Lock } from '../../state/lock.ts'
import type { Exposure } from '../exposure.ts'
import { wrong } from '../option-values.ts'
import { isWithin } from '../policy.ts'
import { overlayOp } from './backend.ts'
import type { Layer } from './layer.ts'
import { copyOf } from './record.ts'

/** In place of what the policy says about the same directories. @throws RuntimeError `sandbox-option` */
export function layerExposures(layer: Layer, others: readonly Exposure[]): Exposure[] {
  const { folders, backend } = layer.record
  for (const { source, dest, writable, origin } of others) {
    if (isWithin(layer.directory, source) || isWithin(source, layer.directory))
      throw wrong(origin, `the layer itself lies in ${source}`)
    if (writable && folders.includes(dest)) throw wrong(origin, `it would let through to the host what is to be tried`)
  }
  return folders.map((folder, index) => ({
    source: backend === 'copy' ? copyOf(layer.directory, index) : folder,
    dest: folder,
    writable: true,
    origin: `dir ${folder}`,
    isTried: true,
    ...(backend === 'overlay' ? { overlay: overlayOp(layer.directory, index, folder) } : {}),
  }))
}

/** One command in the layer. */
export interface Use {
  /** Keeps what the command began from, and lets go of the layer. Never throws: what was not kept is asked for later. */
  end(): void
}

/** @throws RuntimeError `layer-busy`, `layer-half-applied` */
export function useLayer(layer: Layer, argv: readonly string[]): Use {
  const lock: Lock = layer.lock()
  try {
    layer.begin(argv)
  } catch (error) {
    lock[Symbol.dispose]()
    throw error
  }
  return {
    end() {
      try {
        layer.recordRun()
      } catch {
        // the next one who asks what changed meets the same trouble, and can say so
      } finally {
        lock[Symbol.dispose]()
      }
    },
  }
}

/** Starts a command, in a layer where there is one. `start` gets what is to be called at the end. @throws as `useLayer`, and what `start` throws */
export function startIn<T>(layer: Layer | undefined, argv: readonly string[], start: (onEnd: () => void) => T): T {
  const use = layer === undefined ? undefined : useLayer(layer, argv)
  try {
    return start(() => use?.end())
  } catch (error) {
    use?.end()
    throw error
  }
}
