/** The proxy of a sandbox, for programs that are told of one: the same decisions, and a refusal in words. */
import { createServer, type Server, type Socket } from 'node:net'
import { type Address, parseAddress } from './addresses.ts'
import { carry } from './carry.ts'
import { decideAddress, decideName, openAddresses, type Reason, type Verdict } from './decide.ts'
import { LARGEST_REQUEST, proxyReply, type Request, readRequest } from './proxy-request.ts'
import { normalName } from './rules.ts'
import type { Scope } from './scope.ts'
import type { Connections } from './transparent.ts'

type Wish = Exclude<Request, string | { greet: Buffer }>

/** A request has to be there after so long. */
const REQUEST_MS = 10_000

/** @param fd a listening socket of the sandbox */
export function serveProxy(fd: number, scope: Scope, connections: Connections): Server {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (client) => {
    client.on('error', () => {})
    if (connections.admit(client)) void listen(client, scope, connections).catch(() => client.destroy())
    else client.resetAndDestroy()
  })
  server.on('error', () => {}) // of accept(2): the next one may work
  server.listen({ fd })
  return server
}

async function listen(client: Socket, scope: Scope, connections: Connections): Promise<void> {
  const wish = await hear(client)
  if (wish === undefined) return void client.destroy()
  const { host, port } = wish.target
  const found = await findWay(wish, scope)
  const ends = { localPort: client.remotePort ?? 0, remotePort: client.localPort ?? 0 }
  const tell = (reason: Reason | undefined, details: { rule?: string; host?: string; address?: Address | undefined }) =>
    scope.reporter.tell(
      { kind: 'proxy', host, port, verdict: reason ? 'refused' : 'allowed', ...(reason ? { reason } : {}), ...details },
      () => scope.owner(ends),
    )
  if ('reason' in found) {
    tell(found.reason, { address: found.address })
    return void client.end(proxyReply(wish.style, 'refused', `${host}:${port} is not allowed (${found.reason})`))
  }
  const { address, names, rule } = found
  const upstream = carry(
    client,
    { address, port, names, first: wish.first },
    {
      connected: () => client.write(proxyReply(wish.style, 'connected')),
      failed: ({ message }) => client.end(proxyReply(wish.style, 'failed', `${host}:${port}: ${message}`)),
      admitted: () => tell(undefined, { rule, address }),
      refused: (reason, serverName) =>
        tell(reason, { address, ...(serverName === undefined ? {} : { host: serverName }) }),
    },
  )
  connections.follow(upstream)
}

/** Reads until the request is whole, and leaves the client paused. */
function hear(client: Socket): Promise<Wish | undefined> {
  return new Promise((resolve) => {
    let bytes = Buffer.alloc(0)
    let isGreeted = false
    const settle = (wish: Wish | undefined) => {
      clearTimeout(timer)
      client.off('data', onData)
      client.off('end', onEnd)
      client.off('close', onEnd)
      client.pause()
      resolve(wish)
    }
    const onEnd = () => settle(undefined)
    const timer = setTimeout(onEnd, REQUEST_MS)
    const onData = (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk])
      let request = readRequest(bytes, isGreeted)
      if (typeof request === 'object' && 'greet' in request) {
        client.write(request.greet)
        bytes = Buffer.from(request.rest)
        isGreeted = true
        request = readRequest(bytes, isGreeted)
      }
      if (request === 'more' && bytes.length <= LARGEST_REQUEST) return
      settle(typeof request === 'object' && 'target' in request ? request : undefined)
    }
    client.on('data', onData)
    client.once('end', onEnd)
    client.once('close', onEnd)
    client.resume()
  })
}

type Found =
  | { readonly address: Address; readonly names: readonly string[] | undefined; readonly rule: string }
  | { readonly reason: Reason; readonly address?: Address }

const refusal = (verdict: Verdict & { allowed: false }): Found => ({ reason: verdict.reason })

async function findWay({ target: { host, port } }: Wish, scope: Scope): Promise<Found> {
  const literal = parseAddress(host)
  if (literal !== undefined) {
    const verdict = decideAddress(scope.rules, scope.names, literal, port)
    if (!verdict.allowed) return { ...refusal(verdict), address: literal }
    return { address: literal, names: verdict.names, rule: verdict.rule.text }
  }
  const name = normalName(host)
  if (name === undefined) return { reason: 'name-not-allowed' }
  const verdict = decideName(scope.rules, name, port)
  if (!verdict.allowed) return refusal(verdict)
  const [first, second] = [await scope.resolve(name, 4), scope.hasIpv6 ? await scope.resolve(name, 6) : []]
  const addresses = [...(first ?? []), ...(second ?? [])]
  const [open] = openAddresses(scope.rules, addresses)
  if (open === undefined) return { reason: addresses.length > 0 ? 'address-closed' : 'no-answer' }
  return { address: open, names: [name], rule: verdict.rule.text }
}
