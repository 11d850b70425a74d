/** The only name server of a sandbox. What no rule names is answered at once and never leaves: a question can carry secrets out. */
import { createSocket } from 'node:dgram'
import { createServer, type Socket } from 'node:net'
import { openAddresses } from './decide.ts'
import {
  NOERROR,
  NXDOMAIN,
  type Question,
  readQuestion,
  SERVFAIL,
  TYPE_A,
  writeAnswer,
  writeRefusal,
} from './dns-message.ts'
import { normalName, ruleForName } from './rules.ts'
import type { Scope } from './scope.ts'

const TTL_SECONDS = 60
const UDP_ROOM = 512
const EDNS_ROOM = 1232
const TCP_ROOM = 65535
const MOST_PENDING = 256
const MOST_CONNECTIONS = 16
const IDLE_MS = 10_000

interface Found {
  readonly code: number
  readonly addresses: readonly number[]
}

async function answer(question: Question, scope: Scope): Promise<Found> {
  const name = normalName(question.name)
  const rule = name === undefined ? undefined : ruleForName(scope.rules, name)
  const event = { kind: 'dns', host: question.name } as const
  if (name === undefined || !rule) {
    scope.reporter.tell({ ...event, verdict: 'refused', reason: 'name-not-allowed' })
    return { code: NXDOMAIN, addresses: [] }
  }
  // no address of IPv6 either, nor a hint at QUIC or encrypted server names (type 65): programs then use what is carried
  if (question.type !== TYPE_A) return { code: NOERROR, addresses: [] }
  const found = await scope.resolve(name)
  if (found === undefined) {
    scope.reporter.tell({ ...event, verdict: 'refused', reason: 'no-answer' })
    return { code: SERVFAIL, addresses: [] }
  }
  const open = openAddresses(scope.rules, found)
  scope.names.learn(name, open)
  if (found.length > 0 && open.length === 0)
    scope.reporter.tell({ ...event, verdict: 'refused', reason: 'address-closed', address: found[0] })
  else if (open.length > 0) scope.reporter.tell({ ...event, verdict: 'allowed', rule: rule.text })
  return { code: open.length === 0 ? NXDOMAIN : NOERROR, addresses: open }
}

export class NameServer {
  readonly #scope: Scope
  readonly #udp = createSocket('udp4')
  readonly #tcp = createServer({ noDelay: true }, (socket) => this.#serve(socket))
  readonly #connections = new Set<Socket>()
  #pending = 0

  constructor(scope: Scope, fds: { readonly datagrams: number; readonly queries: number }) {
    this.#scope = scope
    this.#udp.on('message', (bytes, { port, address }) => {
      void this.#reply(bytes, 'udp').then((reply) => reply && this.#send(reply, port, address))
    })
    this.#udp.on('error', () => {}) // a reply that the sandbox no longer takes
    this.#udp.bind({ fd: fds.datagrams })
    this.#tcp.maxConnections = MOST_CONNECTIONS
    this.#tcp.on('error', () => {})
    this.#tcp.listen({ fd: fds.queries })
  }

  close(): void {
    this.#udp.close()
    this.#tcp.close()
    for (const socket of this.#connections) socket.destroy()
  }

  #send(reply: Buffer, port: number, address: string): void {
    try {
      this.#udp.send(reply, port, address, () => {})
    } catch {
      // closed meanwhile
    }
  }

  async #reply(bytes: Buffer, way: 'udp' | 'tcp'): Promise<Buffer | undefined> {
    const question = readQuestion(bytes)
    if (question === undefined) return undefined
    if ('refuse' in question) return writeRefusal(question.id, question.refuse)
    if (this.#pending >= MOST_PENDING) return writeRefusal(question.id, SERVFAIL)
    this.#pending += 1
    const { code, addresses } = await answer(question, this.#scope).finally(() => {
      this.#pending -= 1
    })
    const room = way === 'tcp' ? TCP_ROOM : question.hasEdns ? EDNS_ROOM : UDP_ROOM
    return writeAnswer(question, { code, addresses, ttl: TTL_SECONDS, room })
  }

  /** Over TCP each message has its length before it; one after the other, so nobody can pile them up. */
  #serve(socket: Socket): void {
    this.#connections.add(socket)
    socket.setTimeout(IDLE_MS, () => socket.destroy())
    socket.on('error', () => {})
    socket.on('close', () => this.#connections.delete(socket))
    void this.#converse(socket).catch(() => socket.destroy())
  }

  async #converse(socket: Socket): Promise<void> {
    let rest = Buffer.alloc(0)
    for await (const chunk of socket) {
      rest = Buffer.concat([rest, chunk])
      while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
        const size = 2 + rest.readUInt16BE(0)
        const reply = await this.#reply(rest.subarray(2, size), 'tcp')
        rest = rest.subarray(size)
        if (!reply) return
        const length = Buffer.alloc(2)
        length.writeUInt16BE(reply.length)
        socket.write(Buffer.concat([length, reply]))
      }
    }
  }
}
