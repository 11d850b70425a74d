/** Why a port cannot be published, found by taking it: the programs that publish do not say. */
import { createServer } from 'node:net'
import { errnoOf, RuntimeError } from '../../base/errors.ts'
import type { Publication } from './helper.ts'

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens on it',
  EACCES: 'it is below the lowest port that a user may take (sysctl net.ipv4.ip_unprivileged_port_start)',
  EADDRNOTAVAIL: 'the machine has no such address',
}

/** The first of those that cannot be had, as an error. */
export async function whyNotPublished(publications: readonly Publication[]): Promise<RuntimeError | undefined> {
  for (const { address, hostPort } of publications) {
    const errno = await take(address, hostPort)
    if (errno === undefined) continue
    const why = reasons[errno]
    return new RuntimeError('net-port', {
      what: `port ${hostPort} of ${address} cannot be published`,
      errno,
      ...(why === undefined ? {} : { why }),
      origin: 'publish',
    })
  }
  return undefined
}

function take(host: string, port: number): Promise<string | undefined> {
  return new Promise((done) => {
    const server = createServer()
    server.once('error', (error) => done(errnoOf(error) ?? error.message))
    server.listen({ host, port, exclusive: true }, () => server.close(() => done(undefined)))
  })
}
