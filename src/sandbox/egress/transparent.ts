/** Connections as the programs made them: their local address is the one that was meant. */
import { createServer, type Server, type Socket } from 'node:net'
import { isLoopback, parseAddress } from './addresses.ts'
import { carry } from './carry.ts'
import { decideAddress, type Reason } from './decide.ts'
import type { EventDetails } from './report.ts'
import type { Scope } from './scope.ts'

export class Connections {
  readonly #open = new Set<Socket>()
  readonly #out = new Set<Socket>()
  readonly #most: number

  constructor(most: number) {
    this.#most = most
  }

  /** False when there is no room for one more. */
  admit(socket: Socket): boolean {
    if (Math.max(this.#open.size, this.#out.size) >= this.#most) return false
    this.#open.add(socket)
    socket.on('close', () => this.#open.delete(socket))
    return true
  }

  /** The side of a host, which counts as long as it is open: it may still have to take what the command has said. */
  follow(socket: Socket): void {
    this.#out.add(socket)
    socket.on('close', () => this.#out.delete(socket))
  }

  close(): void {
    for (const socket of [...this.#open, ...this.#out]) socket.destroy()
  }
}

/** @param fd a listening socket of the sandbox */
export function serveTransparent(fd: number, scope: Scope, connections: Connections): Server {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (client) => {
    client.on('error', () => {})
    if (connections.admit(client)) take(client, scope, connections)
    else {
      scope.reporter.tell({ kind: 'tcp', verdict: 'refused', reason: 'too-many' })
      client.resetAndDestroy()
    }
  })
  server.on('error', () => {}) // of accept(2): the next one may work
  server.listen({ fd })
  return server
}

function take(client: Socket, scope: Scope, connections: Connections): void {
  const address = parseAddress(client.localAddress ?? '')
  const port = client.localPort
  const ends = { localPort: client.remotePort ?? 0, remotePort: port ?? 0 }
  // gone already, or somebody connected to the listener itself
  if (address === undefined || port === undefined || isLoopback(address)) return void client.resetAndDestroy()
  const tell = (details: Pick<EventDetails, 'verdict' | 'rule' | 'reason' | 'host'>) =>
    scope.reporter.tell({ kind: 'tcp', address, port, ...details }, () => scope.owner(ends))
  const verdict = decideAddress(scope.rules, scope.names, address, port)
  if (!verdict.allowed) {
    const [host] = verdict.names
    tell({ verdict: 'refused', reason: verdict.reason, ...(host === undefined ? {} : { host }) })
    return void client.resetAndDestroy()
  }
  const { rule, names } = verdict
  const hostOf = (serverName: string | undefined) => {
    const host = serverName ?? names?.[0]
    return host === undefined ? {} : { host }
  }
  const hooks = {
    admitted: (serverName: string | undefined) => tell({ verdict: 'allowed', rule: rule.text, ...hostOf(serverName) }),
    refused: (reason: Reason, serverName: string | undefined) =>
      tell({ verdict: 'refused', reason, ...hostOf(serverName) }),
  }
  connections.follow(carry(client, { address, port, names }, hooks))
}
