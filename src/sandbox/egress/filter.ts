/** The only way out of one running sandbox: its name server, its connections, its proxy. */
import type { Socket } from 'node:dgram'
import type { Server } from 'node:net'
import { NameServer, serveRefusals } from './name-server.ts'
import { serveProxy } from './proxy.ts'
import type { Reporter } from './report.ts'
import type { Scope } from './scope.ts'
import { Connections, serveTransparent } from './transparent.ts'

/** The sockets that init made, see native/init/ops_egress.c. */
export interface FilterSockets {
  readonly transparent: readonly number[]
  readonly datagrams: number
  readonly queries: number
  readonly proxy: number
  /** Where questions to other name servers go; none where the kernel cannot lead them there. */
  readonly refused: readonly number[]
}

/** For each command of a sandbox; beyond it connections are refused. Each takes two descriptors of ours. */
const MOST_CONNECTIONS = 512

/** Takes the sockets, and closes them with everything that came in by them. */
export class Filter {
  readonly #connections = new Connections(MOST_CONNECTIONS)
  readonly #servers: Server[]
  readonly #names: NameServer
  readonly #refusals: readonly Socket[]
  readonly #reporter: Reporter

  constructor(sockets: FilterSockets, scope: Scope) {
    this.#reporter = scope.reporter
    this.#names = new NameServer(scope, sockets)
    this.#refusals = sockets.refused.map((fd) => serveRefusals(fd, scope))
    this.#servers = [
      ...sockets.transparent.map((fd) => serveTransparent(fd, scope, this.#connections)),
      serveProxy(sockets.proxy, scope, this.#connections),
    ]
  }

  close(): void {
    this.#names.close()
    for (const socket of this.#refusals) socket.close()
    for (const server of this.#servers) server.close()
    this.#connections.close()
    this.#reporter.tellLost()
  }
}
