/** The only name server of a sandbox. What no rule names is answered at once and never leaves: a question can carry secrets out. */
import { createSocket, type Socket as SocketOfDatagrams } from 'node:dgram'
import { createServer, type Socket } from 'node:net'
import type { Address } from './addresses.ts'
import { openAddresses } from './decide.ts'
import {
  NOERROR,
  NXDOMAIN,
  type Question,
  REFUSED,
  readQuestion,
  SERVFAIL,
  TYPE_A,
  TYPE_AAAA,
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
  readonly addresses: readonly Address[]
}

async function answer(question: Question, scope: Scope): Promise<Found> {
  const name = normalName(question.name)
  const rule = name === undefined ? undefined : ruleForName(scope.rules, name)
  const event = { kind: 'dns', host: question.name } as const
  if (name === undefined || !rule) {
    scope.reporter.tell({ ...event, verdict: 'refused', reason: 'name-not-allowed' })
    return { code: NXDOMAIN, addresses: [] }
  }
  const family = question.type === TYPE_A ? 4 : question.type === TYPE_AAAA && scope.hasIpv6 ? 6 : undefined
  // nor a hint at QUIC or encrypted server names (type 65): programs then use what is carried
  if (family === undefined) return { code: NOERROR, addresses: [] }
  const found = await scope.resolve(name, family)
  if (found === undefined) {
    scope.reporter.tell({ ...event, verdict: 'refused', reason: 'no-answer' })
    return { code: SERVFAIL, addresses: [] }
  }
  const open = openAddresses(scope.rules, found)
  scope.names.learn(name, open)
  if (found.length > 0 && open.length === 0)
    scope.reporter.tell({ ...event, verdict: 'refused', reason: 'address-closed', address: found[0] })
  else if (open.length > 0) scope.reporter.tell({ ...event, verdict: 'allowed', rule: rule.text })
  const isName = open.length > 0 || (scope.hasIpv6 && (await hasOther(name, family, scope)))
  return { code: isName ? NOERROR : NXDOMAIN, addresses: open }
}

/** There is no such name only where it has no address of the other family either. */
async function hasOther(name: string, family: 4 | 6, { resolve, rules }: Scope): Promise<boolean> {
  return openAddresses(rules, (await resolve(name, family === 4 ? 6 : 4)) ?? []).length > 0
}

/** In the place of every other name server: it refuses at once, where a client might wait for an answer. */
export function serveRefusals(fd: number, { reporter }: Scope): SocketOfDatagrams {
  const socket = createSocket('udp4')
  socket.on('error', () => {}) // a reply that the sandbox no longer takes
  socket.on('message', (bytes, { port, address }) => {
    const question = readQuestion(bytes)
    if (question === undefined) return
    const isWhole = !('refuse' in question)
    const host = isWhole ? { host: question.name } : {}
    reporter.tell({ kind: 'dns', verdict: 'refused', reason: 'other-name-server', ...host })
    const reply = isWhole
      ? writeAnswer(question, { code: REFUSED, room: UDP_ROOM })
      : writeRefusal(question.id, REFUSED)
    socket.send(reply, port, address, () => {})
  })
  socket.bind({ fd })
  return socket
}

/** Whoever asks on and does not read would fill our memory, which no limit of the command counts. */
function taken(socket: Socket): Promise<void> {
  return new Promise((done) => {
    socket.once('drain', done)
    socket.once('close', done)
  })
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
        if (!socket.write(Buffer.concat([length, reply]))) await taken(socket)
      }
    }
  }
}
