/** Starts pasta or slirp4netns for a command. A process of ours watches over it and ends it when we are gone, however we ended. */
import { accessSync, closeSync, constants } from 'node:fs'
import { connect, Socket } from 'node:net'
import { join } from 'node:path'
import { RuntimeError } from '../../base/errors.ts'
import type { Degradation } from '../../base/issue.ts'
import { FD_NULL, FD_PIPE_OUT, type Isolated, isolate } from '../../container/isolate.ts'
import type { Host } from '../../host/facts.ts'
import { whyNoTun } from '../../host/tun.ts'
import type { Plan } from '../../kernel/plan.ts'
import { ApiPlace } from './api-place.ts'
import type { Connection, Connector, Handed } from './connector.ts'
import { type Helper, helperArguments, type Publication, READY_FD } from './helper.ts'
import { whyNotPublished } from './port.ts'

const READY_MS = 20_000
const MOST_WORDS = 4096

export class HelperNetwork implements Connector {
  readonly #helper: Helper
  readonly #host: Host
  readonly #program: string

  constructor(helper: Helper, host: Host) {
    this.#helper = helper
    this.#host = host
    this.#program = findProgram(helper.name, host)
    const why = whyNoTun()
    if (why !== undefined) throw new RuntimeError('net-tun', { ...why, origin: 'net' })
  }

  weaknesses(): Degradation[] {
    return []
  }

  async open(handed: readonly Handed[]): Promise<Connection> {
    const { publish, name } = this.#helper
    const handedPlace = handed.find(({ word }) => word === 'd')?.fd
    const place = name === 'slirp4netns' && publish.length > 0 ? new ApiPlace(handedPlace) : undefined
    try {
      const started = this.#start(handed, place)
      try {
        await ready(started, name)
        for (const publication of place ? publish : []) await publishBySlirp(place?.ours ?? '', publication)
      } catch (error) {
        started.kill()
        throw (await whyNotPublished(publish)) ?? error
      }
      return { close: () => started.kill() }
    } finally {
      for (const { fd } of handed) closeSync(fd)
      place?.[Symbol.dispose]()
    }
  }

  #start(handed: readonly Handed[], place: ApiPlace | undefined): Isolated {
    const of = (word: string) => handed.find((one) => one.word === word)?.fd ?? FD_NULL
    const host = this.#host
    const call = { program: this.#program, api: place?.theirs, isRoot: host.uid === 0 }
    const fds = [FD_NULL, FD_PIPE_OUT, FD_PIPE_OUT, of('n'), of('o'), FD_PIPE_OUT, ...(place ? [of('d')] : [])]
    return isolate(planHelper(helperArguments(this.#helper, call), fds.length - 3), fds, host)
  }
}

/** No namespaces: its sockets are the caller's. */
function planHelper(argv: readonly string[], keepFds: number): Plan {
  const [file = ''] = argv
  const origin = 'net'
  const env = ['PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'LC_ALL=C']
  const ops: Plan['ops'] = [
    { op: 'born', flags: 0, origin },
    { op: 'reapTree', lingers: 0, origin },
    { op: 'exec', file, search: '', argv, env, keepFds, origin },
  ]
  return { ops, degradations: [] }
}

function findProgram(name: string, host: Host): string {
  const folders = [
    ...(host.env.PATH ?? '').split(':').filter((folder) => folder.startsWith('/')),
    '/usr/bin',
    '/usr/sbin',
  ]
  for (const path of folders.map((folder) => join(folder, name)))
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      // the next one
    }
  throw new RuntimeError('net-program', { what: `${name} is not installed`, origin: 'net' })
}

/** Its first byte at READY_FD; what it says meanwhile is kept for the error. */
async function ready({ pipes, outcome }: Isolated, name: string): Promise<void> {
  let words = ''
  const [out, err, signal] = [pipes[1], pipes[2], pipes[READY_FD]].map(
    (fd) => new Socket({ fd: fd ?? -1, readable: true, writable: false }),
  )
  for (const stream of [out, err]) {
    stream?.on('data', (chunk) => (words = (words + chunk).slice(-MOST_WORDS)))
    stream?.unref()
  }
  let timer: NodeJS.Timeout | undefined
  const said = new Promise<boolean>((done) => signal?.once('data', () => done(true)))
  const ended = outcome.then(() => false)
  const late = new Promise<boolean>((done) => {
    timer = setTimeout(() => done(false), READY_MS)
  })
  const isReady = await Promise.race([said, ended, late])
  clearTimeout(timer)
  signal?.destroy()
  if (isReady) return
  const details = words
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
  throw new RuntimeError('net-program-failed', {
    what: `${name} did not connect the network of the sandbox`,
    details,
    origin: 'net',
  })
}

/** slirp4netns(1), API socket: one request a connection, ended by closing our half. */
function publishBySlirp(api: string, { address, hostPort, port }: Publication): Promise<void> {
  const request = { proto: 'tcp', host_addr: address, host_port: hostPort, guest_addr: '10.0.2.100', guest_port: port }
  return new Promise((done, fail) => {
    let reply = ''
    const refuse = (why: string) =>
      fail(
        new RuntimeError('net-program-failed', {
          what: `port ${hostPort} of ${address} cannot be published`,
          details: [why],
          origin: 'publish',
        }),
      )
    const socket = connect(api, () => socket.end(JSON.stringify({ execute: 'add_hostfwd', arguments: request })))
    socket.on('data', (chunk) => (reply += chunk))
    socket.on('error', (error) => refuse(error.message))
    socket.on('end', () => (reply.includes('"error"') ? refuse(reply.trim()) : done()))
  })
}
