/** What was decided about the network, as events: for a log, and for whoever listens. */
import { type Address, formatAddress } from './addresses.ts'
import type { Reason } from './decide.ts'

export interface NetworkEvent {
  /** ISO 8601, UTC. */
  readonly time: string
  /** `weaker`: once, where less can be carried than was asked for. */
  readonly verdict: 'allowed' | 'refused' | 'weaker'
  /** `dns`: a question; `tcp`: a connection; `proxy`: one by HTTP CONNECT, HTTP or SOCKS5; `lost`: decisions without an event. */
  readonly kind: 'dns' | 'tcp' | 'proxy' | 'lost'
  /** The name that was asked for, the server name of TLS, or the name that the address was told for. */
  readonly host?: string
  readonly address?: string
  readonly port?: number
  /** The `--allow-host` that allowed it. */
  readonly rule?: string
  readonly reason?: Reason
  /** Of `lost`: so many decisions, all in all, were one too many for their second. */
  readonly count?: number
  /** The process, by its number outside of the sandbox, and its name; where they could be found. */
  readonly pid?: number
  readonly command?: string
}

export type EventDetails = Omit<NetworkEvent, 'time' | 'address'> & { readonly address?: Address | undefined }

/** The same thing again within this time is not told again: a program that retries would fill the log. */
const QUIET_MS = 1000
const MOST_REMEMBERED = 1024
/** What is different each time, such as random ports, is only counted from here on. */
const MOST_A_SECOND = 200

export class Reporter {
  readonly #listener: ((event: NetworkEvent) => void) | undefined
  readonly #isHeard: () => boolean
  readonly #last = new Map<string, number>()
  #second = 0
  #told = 0
  #lost = 0
  #lostAndTold = 0

  /** `isHeard`: does anybody listen now? */
  constructor(listener: ((event: NetworkEvent) => void) | undefined, isHeard = () => listener !== undefined) {
    this.#listener = listener
    this.#isHeard = isHeard
  }

  /** `owner` costs a walk through /proc, so it is asked only for what is told. */
  tell({ address, ...details }: EventDetails, owner?: () => { pid: number; command: string } | undefined): void {
    if (!this.#listener || !this.#isHeard()) return
    const key = [details.verdict, details.kind, details.host, address, details.port, details.reason].join(' ')
    if (!this.#isDue(key, Date.now())) return
    this.tellLost()
    const found = owner?.()
    this.#listener({
      time: new Date().toISOString(),
      ...details,
      ...(address === undefined ? {} : { address: formatAddress(address) }),
      ...found,
    })
  }

  /** A flood must not hide that there was more. */
  tellLost(): void {
    if (this.#lost === this.#lostAndTold) return
    this.#lostAndTold = this.#lost
    this.#listener?.({ time: new Date().toISOString(), verdict: 'refused', kind: 'lost', count: this.#lost })
  }

  #isDue(key: string, now: number): boolean {
    const last = this.#last.get(key)
    if (last !== undefined && now - last < QUIET_MS) return false
    if (Math.floor(now / 1000) !== this.#second) {
      this.#second = Math.floor(now / 1000)
      this.#told = 0
    }
    this.#told += 1
    if (this.#told > MOST_A_SECOND) {
      this.#lost += 1
      return false
    }
    if (this.#last.size >= MOST_REMEMBERED) this.#last.clear()
    this.#last.set(key, now)
    return true
  }
}
