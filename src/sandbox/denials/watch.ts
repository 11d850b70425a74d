/** All that one command is denied, from its observer and from the filter of its network: told at once, and kept. */
import { RuntimeError } from '../../base/errors.ts'
import type { NetworkEvent } from '../egress/report.ts'
import type { Policy } from '../policy.ts'
import { denialOf, denialOfNetwork } from './denial.ts'
import { DenialList } from './list.ts'
import { Observer } from './observer.ts'
import type { ObserverRecord } from './record.ts'
import type { Denial } from './shape.ts'

export interface WatchOptions {
  readonly policy: Policy
  /** Hears of each denial, and again of those that came more than once, with their count. Must not throw. */
  readonly onDenial?: ((denial: Denial) => void) | undefined
  /** Hears of what was let through, too: for learning a policy. */
  readonly onUse?: ((use: Denial) => void) | undefined
}

export class Watch {
  readonly #options: WatchOptions
  readonly #observer: Observer
  readonly #denials = new DenialList()

  /** @throws RuntimeError `denials-unavailable` */
  constructor(options: WatchOptions) {
    this.#options = options
    this.#observer = new Observer(options.policy, (record) => this.#hear(record), options.onUse !== undefined)
  }

  get channel(): number {
    return this.#observer.channel
  }

  /** init has its end of the channel. */
  release(): void {
    this.#observer.release()
  }

  abandon(): void {
    this.#observer.abandon()
  }

  /** Settles when the observer is gone: false when it went before its time. */
  whole(): Promise<boolean> {
    return this.#observer.whole()
  }

  /** When the command is gone: all that it was denied. @throws RuntimeError `denials-lost` */
  async finish(): Promise<readonly Denial[]> {
    if (!(await this.#observer.finish())) throw new RuntimeError('denials-lost', {})
    return this.denials
  }

  /** What is known by now, the first first. */
  get denials(): readonly Denial[] {
    return this.#denials.all
  }

  #hear(record: ObserverRecord): void {
    const denial = denialOf(record, this.#options.policy)
    if (record.errno === 0 && record.kind !== 'lost') this.#options.onUse?.(denial)
    else this.#keep(denial)
  }

  /** Of the network only refusals are denials. */
  readonly hearNetwork = (event: NetworkEvent): void => {
    if (event.verdict === 'refused') this.#keep(denialOfNetwork(event))
    else if (event.verdict === 'allowed') this.#options.onUse?.(denialOfNetwork(event))
  }

  #keep(denial: Denial): void {
    this.#options.onDenial?.(denial)
    this.#denials.add(denial)
  }
}
