/** The only way out of one running sandbox: its name server, its connections, its proxy. */
import type { Server } from 'node:net'
import { NameServer } from './name-server.ts'
import { serveProxy } from './proxy.ts'
import type { Scope } from './scope.ts'
import { Connections, serveTransparent } from './transparent.ts'

/** The sockets that init made, see native/init/ops_egress.c. */
export interface FilterSockets {
  readonly transparent: readonly number[]
  readonly datagrams: number
  readonly queries: number
  readonly proxy: number
}

/** For each command of a sandbox; beyond it connections are refused. Each takes two descriptors of ours. */
const MOST_CONNECTIONS = 512

/** Takes the sockets, and closes them with everything that came in by them. */
export class Filter {
  readonly #connections = new Connections(MOST_CONNECTIONS)
  readonly #servers: Server[]
  readonly #names: NameServer

  constructor(sockets: FilterSockets, scope: Scope) {
    this.#names = new NameServer(scope, sockets)
    this.#servers = [
      ...sockets.transparent.map((fd) => serveTransparent(fd, scope, this.#connections)),
      serveProxy(sockets.proxy, scope, this.#connections),
    ]
  }

  close(): void {
    this.#names.close()
    for (const server of this.#servers) server.close()
    this.#connections.close()
  }
}
