/** Names of hosts to addresses, as the caller's system finds them: in its hosts file, its name servers, its name services. */
import { createSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { errnoOf } from '../../base/errors.ts'
import { type Address, formatAddress, parseAddress } from './addresses.ts'

/** `undefined`: nobody answered, or too many wait. An empty list: there is no such name. */
export type Resolve = (name: string, family: 4 | 6) => Promise<readonly Address[] | undefined>

/** getaddrinfo(3) takes a thread of the four that libuv has; files of the caller need some too. */
const AT_ONCE = 2
const MOST_WAITING = 128
const KEPT_MS = 30_000
const MOST_KEPT = 1024

export class Resolver {
  readonly #known = new Map<
    string,
    { readonly until: number; readonly addresses: Promise<readonly Address[] | undefined> }
  >()
  readonly #waiting: (() => void)[] = []
  #running = 0

  readonly resolve: Resolve = (name, family) => {
    const now = Date.now()
    const key = `${name} ${family}`
    const known = this.#known.get(key)
    if (known && known.until > now) return known.addresses
    if (this.#waiting.length >= MOST_WAITING) return Promise.resolve(undefined)
    const addresses = this.#ask(name, family)
    if (this.#known.size >= MOST_KEPT) this.#known.clear()
    this.#known.set(key, { until: now + KEPT_MS, addresses })
    // a failure of the moment is asked for again
    void addresses.then((found) => {
      if (found === undefined) this.#known.delete(key)
    })
    return addresses
  }

  async #ask(name: string, family: 4 | 6): Promise<readonly Address[] | undefined> {
    if (this.#running >= AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#running += 1
    try {
      const found = await lookup(name, { family, all: true })
      const addresses = found.flatMap(({ address }) => parseAddress(address) ?? [])
      return family === 4 ? addresses : await reachable(addresses)
    } catch (error) {
      return ['ENOTFOUND', 'ENODATA'].includes(errnoOf(error) ?? '') ? [] : undefined
    } finally {
      this.#running -= 1
      this.#waiting.shift()?.()
    }
  }
}

/**
 * Those that a way leads to. A command's connection is made before ours, so it would not try IPv4 where we find none.
 * Connecting a datagram socket looks for a way and sends nothing.
 */
async function reachable(addresses: readonly Address[]): Promise<Address[]> {
  const hasWay = (address: Address) =>
    new Promise<boolean>((done) => {
      const socket = createSocket('udp6')
      const end = (answer: boolean) => {
        done(answer)
        socket.close()
      }
      socket.once('error', () => end(false))
      socket.once('connect', () => end(true))
      socket.connect(443, formatAddress(address))
    })
  const ways = await Promise.all(
    addresses.map(async (address) => typeof address === 'number' || (await hasWay(address))),
  )
  return addresses.filter((_, at) => ways[at])
}
