/** Calls over D-Bus. Ours are few and one at a time, so the answers are simply read in their order. */
import type { BusAddress } from './address.ts'
import { BusError, Channel } from './channel.ts'
import type { Value } from './encode.ts'
import { encodeMessage, kinds, type Message } from './message.ts'

export interface Call {
  readonly destination: string
  readonly path: string
  readonly interface: string
  readonly member: string
  readonly signature?: string
  readonly body?: readonly Value[]
}

/** The peer understood, and says no. */
export class CallError extends Error {
  override readonly name = 'CallError'
  /** Such as `org.freedesktop.systemd1.NoSuchUnit`. */
  readonly errorName: string

  constructor(errorName: string, text: string) {
    super(text === '' ? errorName : text)
    this.errorName = errorName
  }
}

export interface Patience {
  /** Milliseconds for connecting and introducing ourselves. */
  readonly connect: number
  /** Milliseconds for the answer to a call. */
  readonly call: number
}

const BUS = { destination: 'org.freedesktop.DBus', path: '/org/freedesktop/DBus', interface: 'org.freedesktop.DBus' }

export class Bus implements Disposable {
  readonly #channel: Channel
  readonly #patience: Patience
  readonly #keeps: (signal: Message) => boolean
  #serial = 0
  /** Signals that came while an answer was waited for. */
  #kept: Message[] = []

  private constructor(channel: Channel, { patience, keeps }: ConnectOptions) {
    this.#channel = channel
    this.#patience = patience
    this.#keeps = keeps
  }

  /** @throws BusError, CallError */
  static async connect({ path, isDirect }: BusAddress, options: ConnectOptions): Promise<Bus> {
    const channel = await Channel.connect(path, options.patience.connect)
    try {
      await introduce(channel, options)
      const bus = new Bus(channel, options)
      if (!isDirect) await bus.call({ ...BUS, member: 'Hello' })
      // systemd tells its own clients everything; a bus has to be asked.
      if (!isDirect) await bus.call({ ...BUS, member: 'AddMatch', signature: 's', body: [options.match] })
      return bus
    } catch (error) {
      channel.close()
      throw error
    }
  }

  /** The values of the answer. @throws BusError, CallError */
  async call(call: Call): Promise<readonly Value[]> {
    const serial = ++this.#serial
    const { signature = '', body = [] } = call
    this.#channel.send(encodeMessage({ ...call, kind: kinds.call, serial, signature, body }))
    const answer = await this.#read(
      ({ kind, replyTo }) => replyTo === serial && (kind === kinds.reply || kind === kinds.error),
      this.#patience.call,
    )
    if (answer.kind === kinds.reply) return answer.body
    const [text] = answer.body
    throw new CallError(answer.errorName ?? 'unknown', typeof text === 'string' ? text : '')
  }

  /** The first signal like this since we are connected. `within`: milliseconds. @throws BusError */
  async signal(isWanted: (signal: Message) => boolean, within: number): Promise<Message> {
    const at = this.#kept.findIndex(isWanted)
    const [kept] = at < 0 ? [] : this.#kept.splice(at, 1)
    return kept ?? this.#read((message) => message.kind === kinds.signal && isWanted(message), within)
  }

  async #read(isWanted: (message: Message) => boolean, within: number): Promise<Message> {
    const deadline = performance.now() + within
    for (;;) {
      const left = deadline - performance.now()
      // A peer that talks without an end about other things is silent too.
      if (left <= 0) throw new BusError('silent', `no answer within ${within / 1000} s`)
      const message = await this.#channel.message(left).catch((error: unknown) => {
        if (error instanceof BusError && error.trouble === 'silent')
          throw new BusError('silent', `no answer within ${within / 1000} s`)
        throw error
      })
      if (isWanted(message)) return message
      if (message.kind === kinds.signal && this.#keeps(message)) this.#kept.push(message)
    }
  }

  [Symbol.dispose](): void {
    this.#channel.close()
  }
}

export interface ConnectOptions {
  readonly patience: Patience
  /** Our uid as the peer sees it. */
  readonly uid: number
  /** The match rule of the signals that are wanted, for a bus, and the same as a question. */
  readonly match: string
  readonly keeps: (signal: Message) => boolean
}

/**
 * EXTERNAL without a name first: then the peer takes whom the kernel says we are, also from inside a user namespace, where
 * our own idea of our uid is another one. A server that wants a name is given the outer one.
 */
async function introduce(channel: Channel, { patience, uid }: ConnectOptions): Promise<void> {
  channel.send('\0AUTH EXTERNAL\r\n')
  let mayName = true
  for (;;) {
    const line = await channel.line(patience.connect)
    if (line.startsWith('OK')) break
    if (line === 'DATA' || line.startsWith('DATA ')) channel.send('DATA\r\n')
    else if (line.startsWith('REJECTED') && mayName) {
      mayName = false
      channel.send(`AUTH EXTERNAL ${Buffer.from(String(uid)).toString('hex')}\r\n`)
    } else if (line.startsWith('REJECTED')) throw new BusError('refused', `it does not believe that we are user ${uid}`)
    else throw new BusError('garbage', 'it does not speak D-Bus')
  }
  channel.send('BEGIN\r\n')
}
