/** The programs that serve the folders of a layer to one sandbox, from before it is made until it is gone. */
import { closeSync, openSync, readFileSync, realpathSync } from 'node:fs'
import { RuntimeError } from '../../base/errors.ts'
import { packetPair } from '../../container/channel.ts'
import { Companion, type Ending } from '../../container/companion.ts'
import { FD_NULL } from '../../container/isolate.ts'
import type { Policy } from '../policy.ts'
import { saidOf, servedOf } from './record.ts'
import { planServer } from './serve-plan.ts'

/** Milliseconds: what is written when the command has ended is little, but disks are slow. */
const PATIENCE = 10_000
/** Characters of what one says. */
const MOST_WORDS = 500

export class Servers implements Disposable {
  readonly #servers: { readonly folder: string; readonly said: string; readonly companion: Companion }[] = []
  /** For the sandbox, in the order of the folders: it sends the device of each mount there. */
  readonly channels: number[] = []
  #isOver = false

  /** @throws RuntimeError `layer-backend`, and as `isolate` */
  constructor(directory: string, folders: readonly string[], policy: Policy) {
    const found = policy.host.fuseOverlayfs
    if (found === undefined) throw missing()
    const program = realpathSync(found)
    try {
      for (const [index, folder] of folders.entries()) {
        const [channel, other] = packetPair()
        this.channels.push(channel)
        const said = saidOf(directory, index)
        const words = openSync(said, 'w', 0o600)
        try {
          const plan = planServer({ folder, changes: servedOf(directory, index), program }, policy)
          const companion = new Companion(plan, [FD_NULL, FD_NULL, words, other], policy.host)
          this.#servers.push({ folder, said, companion })
        } finally {
          closeSync(words)
          closeSync(other)
        }
      }
    } catch (error) {
      this.end(0)
      throw error
    }
  }

  [Symbol.dispose](): void {
    this.end()
  }

  /** When nothing uses what they serve any more: they end by themselves then. Says what went wrong with any. */
  end(patience = PATIENCE): string[] {
    if (this.#isOver) return []
    this.#isOver = true
    for (const fd of this.channels) closeSync(fd)
    return this.#servers.flatMap(({ companion, folder, said }) => wordsOf(companion.end(patience), folder, said))
  }
}

/** Some versions say that of an option that nobody gave. */
const noise = /^unknown argument ignored/

const missing = (): RuntimeError =>
  new RuntimeError('layer-backend', {
    what: 'fuse-overlayfs is not installed',
    fix: 'install it (Debian, Fedora, Alpine: fuse-overlayfs), or choose another way: --backend copy',
  })

function wordsOf({ ended, failure }: Ending, folder: string, said: string): string[] {
  // It only waited for a sandbox that was not made, which has its own words.
  if (failure?.errno === 'ECONNRESET') return []
  if (failure !== undefined) return [`fuse-overlayfs for ${folder} did not start: ${failure.message}`]
  if (ended?.exitCode === 0) return []
  const how =
    ended === undefined || ended.signal !== undefined ? `by signal ${ended?.signal ?? 9}` : `with ${ended.exitCode}`
  const lines = readFileSync(said, 'utf8').split('\n')
  const words = lines
    .filter((line) => !noise.test(line))
    .join(' ')
    .trim()
    .slice(-MOST_WORDS)
  return [`fuse-overlayfs for ${folder} ended ${how}${words === '' ? '' : `: ${words}`}`]
}
