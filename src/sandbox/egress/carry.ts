/**
 * One connection of the sandbox, carried out: bytes both ways with the back-pressure of streams. What the client says
 * first is held back until its server name is read, so nothing reaches a host under a name that was not allowed. A host
 * that speaks first (SSH, SMTP) is heard at once.
 */
import { connect, type Socket } from 'node:net'
import { type Address, formatAddress } from './addresses.ts'
import { LARGEST_HELLO, peekClientHello } from './client-hello.ts'
import { admitsServerName, type Reason } from './decide.ts'

export interface Way {
  readonly address: Address
  readonly port: number
  /** The names that the address may stand for; undefined: whatever the client says. */
  readonly names: readonly string[] | undefined
  /** Bytes of the client that were read already. */
  readonly first?: Buffer
}

export interface Hooks {
  readonly connected?: () => void
  /** It never came to be; by default the client hears of it as a reset. */
  readonly failed?: (error: Error) => void
  /** The first bytes were let through: `serverName` where they were TLS with one. */
  readonly admitted: (serverName: string | undefined) => void
  readonly refused: (reason: Reason, serverName: string | undefined) => void
}

/** Whoever begins a ClientHello has so long to finish it. */
const HELLO_MS = 10_000
const CONNECT_MS = 30_000
/** Records have a head of five bytes each, and a client may cut them small. */
const MOST_HELD = 2 * LARGEST_HELLO

type Opinion =
  | 'more'
  | { readonly serverName: string | undefined }
  | { readonly reason: Reason; readonly serverName?: string }

function judge(held: Buffer, names: readonly string[] | undefined): Opinion {
  if (names === undefined) return { serverName: undefined }
  const peeked = peekClientHello(held)
  if (peeked === 'other') return { serverName: undefined }
  if (peeked === 'broken') return { reason: 'hello-broken' }
  if (peeked === 'more') return held.length > MOST_HELD ? { reason: 'hello-broken' } : 'more'
  const { serverName } = peeked
  if (admitsServerName(names, serverName)) return { serverName }
  return { reason: 'server-name-differs', ...(serverName === undefined ? {} : { serverName }) }
}

/** `client` is paused and takes half-closed connections. @returns the other side, which may outlive it: a host need not read */
export function carry(client: Socket, way: Way, hooks: Hooks): Socket {
  const upstream = connect({ host: formatAddress(way.address), port: way.port, allowHalfOpen: true, noDelay: true })
  let isConnected = false
  const patience = setTimeout(() => upstream.destroy(new Error('nobody answered')), CONNECT_MS)
  upstream.once('connect', () => {
    isConnected = true
    clearTimeout(patience)
    hooks.connected?.()
    upstream.pipe(client)
  })
  upstream.on('error', (error) => {
    clearTimeout(patience)
    if (isConnected || !hooks.failed) client.resetAndDestroy()
    else hooks.failed(error)
  })
  client.on('error', () => upstream.destroy())
  client.on('close', () => {
    clearTimeout(patience)
    if (!upstream.readableEnded) upstream.destroy()
  })
  admit(client, way, {
    pass: (held, serverName) => {
      hooks.admitted(serverName)
      if (held.length > 0) upstream.write(held)
      client.pipe(upstream)
    },
    refuse: (reason, serverName) => {
      hooks.refused(reason, serverName)
      upstream.destroy()
      client.resetAndDestroy()
    },
  })
  return upstream
}

interface Gate {
  readonly pass: (held: Buffer, serverName: string | undefined) => void
  readonly refuse: (reason: Reason, serverName: string | undefined) => void
}

function admit(client: Socket, { names, first = Buffer.alloc(0) }: Way, { pass, refuse }: Gate): void {
  let held = first
  let timer: NodeJS.Timeout | undefined
  const settle = () => {
    clearTimeout(timer)
    client.off('data', onData)
    client.off('end', onEnd)
    client.off('close', settle)
    client.pause()
  }
  const look = () => {
    const opinion = judge(held, names)
    if (opinion === 'more') return
    settle()
    if ('reason' in opinion) refuse(opinion.reason, opinion.serverName)
    else pass(held, opinion.serverName)
  }
  const late = () => {
    settle()
    refuse('hello-broken', undefined)
  }
  const onData = (chunk: Buffer) => {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk])
    timer ??= setTimeout(late, HELLO_MS)
    look()
  }
  const onEnd = () => {
    if (held.length > 0) return late()
    settle()
    pass(held, undefined)
  }
  client.on('data', onData)
  client.once('end', onEnd)
  client.once('close', settle)
  client.resume()
  // where the client need not say anything first, or has said it
  if (held.length > 0 || names === undefined) look()
}
