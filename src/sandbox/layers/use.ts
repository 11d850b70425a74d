/** How a sandbox runs in a layer: its folders stand where the host's are, and nothing else writes to them. */
import type { Lock } from '../../state/lock.ts'
import type { Exposure } from '../exposure.ts'
import { wrong } from '../option-values.ts'
import { isWithin, type Policy } from '../policy.ts'
import { assertWhole, overlayOp } from './backend.ts'
import type { Layer } from './layer.ts'
import { copyOf } from './record.ts'
import { Servers } from './servers.ts'

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
    ...(backend === 'fuse-overlayfs' ? { served: index } : {}),
  }))
}

/** One command in the layer. */
export interface Use {
  /** Descriptors for the init of its sandbox, in the order of the folders. They are closed at the end. */
  readonly channels: readonly number[]
  /** Ends the programs that serve it: who waits for their answers waits no more. Undefined where there are none. */
  readonly onStuck: (() => void) | undefined
  /**
   * Keeps what the command began from, and lets go of the layer. Never throws: what was not kept is asked for later.
   * May be called again. Says what went wrong with the programs that served it.
   */
  end(): readonly string[]
}

/** The kernel lets nobody remove what something is mounted on, but a mark of fuse-overlayfs can be forged: see marks.ts. */
const coveredIn = (folders: readonly string[], { hide, deny, exposures }: Policy): string[] =>
  [...hide, ...deny, ...exposures.filter(({ isTried }) => !isTried).map(({ dest }) => dest)].filter((path) =>
    folders.some((folder) => path !== folder && isWithin(path, folder)),
  )

/** @throws RuntimeError `layer-busy`, `layer-half-applied`, `layer-backend` */
export function useLayer(layer: Layer, argv: readonly string[], policy: Policy): Use {
  const lock: Lock = layer.lock()
  let servers: Servers | undefined
  let isOver = false
  try {
    const { backend, folders } = layer.record
    const isServed = backend === 'fuse-overlayfs'
    if (isServed) assertWhole(folders, policy.host) // it was when the layer was made
    layer.begin(argv, isServed ? coveredIn(folders, policy) : [])
    if (isServed) servers = new Servers(layer.directory, folders, policy)
  } catch (error) {
    lock[Symbol.dispose]()
    throw error
  }
  return {
    channels: servers?.channels ?? [],
    onStuck: servers && (() => servers?.end(0)),
    end() {
      let words: readonly string[] = []
      if (isOver) return words
      isOver = true
      try {
        words = servers?.end() ?? []
        layer.recordRun()
      } catch {
        // the next one who asks what changed meets the same trouble, and can say so
      } finally {
        lock[Symbol.dispose]()
      }
      return words
    },
  }
}

interface Beginning {
  readonly policy: Policy
  readonly argv: readonly string[]
}

/** What a command in a layer starts with: descriptors for its init, and what is to be called at the end. */
export interface Start {
  readonly channels: readonly number[]
  readonly onStuck: (() => void) | undefined
  readonly onEnd: () => readonly string[]
}

/** Starts a command, in a layer where there is one. @throws as `useLayer`, and what `start` throws */
export function startIn<T>(layer: Layer | undefined, { policy, argv }: Beginning, start: (beginning: Start) => T): T {
  const use = layer === undefined ? undefined : useLayer(layer, argv, policy)
  try {
    return start({ channels: use?.channels ?? [], onStuck: use?.onStuck, onEnd: () => use?.end() ?? [] })
  } catch (error) {
    use?.end()
    throw error
  }
}
