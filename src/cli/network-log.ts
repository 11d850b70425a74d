/** The network of a sandbox at the command line: a log of JSON lines, and what was refused in words at the end. */
import { closeSync, openSync } from 'node:fs'
import { errnoOf, RuntimeError } from '../base/errors.ts'
import { writeAll } from '../base/files.ts'
import type { NetworkEvent } from '../sandbox/index.ts'
import type { Session } from './session.ts'

/** More kinds of refusals are counted, not listed. */
const MOST_LISTED = 10

const meanings: Readonly<Record<string, string>> = {
  'name-not-allowed': 'no --allow-host names it',
  'address-not-known': 'no allowed name has this address',
  'address-closed': 'it is private, link-local or reserved; only --allow-host ADDRESS opens it',
  'port-not-allowed': 'not on this port',
  'server-name-differs': 'the address does not belong to that server name',
  'hello-broken': 'it began like TLS and was none',
  'too-many': 'too many connections at once',
  'no-answer': 'the name could not be looked up',
}

export class NetworkLog implements Disposable {
  readonly #session: Session
  readonly #fd: number | undefined
  readonly #refused = new Map<string, number>()

  /** @throws RuntimeError `usage` when the file cannot be opened */
  constructor(path: string | undefined, session: Session) {
    this.#session = session
    this.#fd = path === undefined ? undefined : open(session.path(path))
  }

  readonly listener = (event: NetworkEvent): void => {
    if (this.#fd !== undefined) writeAll(this.#fd, `${JSON.stringify(event)}\n`)
    if (event.verdict === 'weaker')
      this.#session.note('only the ports that --allow-host names (80 and 443 without) are carried: no netfilter here')
    if (event.verdict !== 'refused') return
    const place = [event.host ?? event.address, event.port].filter((part) => part !== undefined).join(':')
    const line = `${place}: ${meanings[event.reason ?? ''] ?? event.reason}`
    this.#refused.set(line, (this.#refused.get(line) ?? 0) + 1)
  };

  [Symbol.dispose](): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
    const lines = [...this.#refused].map(([line, count]) => (count === 1 ? line : `${line} (${count} times)`))
    for (const line of lines.slice(0, MOST_LISTED)) this.#session.note(`refused ${line}`)
    if (lines.length > MOST_LISTED) this.#session.note(`refused ${lines.length - MOST_LISTED} more`)
  }
}

function open(path: string): number {
  try {
    return openSync(path, 'a', 0o600)
  } catch (error) {
    const errno = errnoOf(error)
    throw new RuntimeError('usage', {
      what: `cannot write to the file of --net-log: ${path}`,
      ...(errno ? { errno } : {}),
    })
  }
}
