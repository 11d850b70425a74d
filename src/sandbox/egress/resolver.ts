/** Names of hosts to addresses, as the caller's system finds them: in its hosts file, its name servers, its name services. */
import { lookup } from 'node:dns/promises'
import { errnoOf } from '../../base/errors.ts'
import { parseAddress } from './addresses.ts'

/** `undefined`: nobody answered, or too many wait. An empty list: there is no such name. */
export type Resolve = (name: string) => Promise<readonly number[] | undefined>

/** getaddrinfo(3) takes a thread of the four that libuv has; files of the caller need some too. */
const AT_ONCE = 2
const MOST_WAITING = 128
const KEPT_MS = 30_000
const MOST_KEPT = 1024

export class Resolver {
  readonly #known = new Map<
    string,
    { readonly until: number; readonly addresses: Promise<readonly number[] | undefined> }
  >()
  readonly #waiting: (() => void)[] = []
  #running = 0

  readonly resolve: Resolve = (name) => {
    const now = Date.now()
    const known = this.#known.get(name)
    if (known && known.until > now) return known.addresses
    if (this.#waiting.length >= MOST_WAITING) return Promise.resolve(undefined)
    const addresses = this.#ask(name)
    if (this.#known.size >= MOST_KEPT) this.#known.clear()
    this.#known.set(name, { until: now + KEPT_MS, addresses })
    // a failure of the moment is asked for again
    void addresses.then((found) => {
      if (found === undefined) this.#known.delete(name)
    })
    return addresses
  }

  async #ask(name: string): Promise<readonly number[] | undefined> {
    if (this.#running >= AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#running += 1
    try {
      const found = await lookup(name, { family: 4, all: true })
      return found.flatMap(({ address }) => parseAddress(address) ?? [])
    } catch (error) {
      return ['ENOTFOUND', 'ENODATA'].includes(errnoOf(error) ?? '') ? [] : undefined
    } finally {
      this.#running -= 1
      this.#waiting.shift()?.()
    }
  }
}
