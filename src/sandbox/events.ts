/** What happens to the commands of a sandbox, for whoever listens to it: see docs/library.md. */
import type { EventEmitter } from 'node:events'
import type { HeldLimit } from '../container/hold/amounts.ts'
import type { Denial } from './denials/shape.ts'
import type { NetworkEvent } from './egress/report.ts'
import type { ApplyEvent } from './layers/index.ts'
import type { CheckedOptions } from './options.ts'

/** A limit that a command has run into. */
export interface LimitEvent {
  /** ISO 8601, UTC. */
  readonly time: string
  readonly argv: readonly string[]
  readonly limit: HeldLimit
}

/**
 * What can be heard, and what a listener is given. One line an event; Every event
 * has a `time` (ISO 8601, UTC), and is plain data that JSON can hold.
 */
export interface SandboxEvents {
  /** With `allowHosts`: a question or a connection was let through or refused. */
  network: [event: NetworkEvent]
  /** Something was denied; what came more than once is told again at the end, with its `count`. */
  denial: [denial: Denial]
  /** A command that has ended had reached a limit: told once for each, with how often. */
  limit: [event: LimitEvent]
  /** An apply of its layer, or the undoing of one, has come further. */
  apply: [event: ApplyEvent]
}

export type SandboxEventName = keyof SandboxEvents

/** Something that is found out tells it through here. */
export class Events {
  readonly #emitter: EventEmitter<SandboxEvents>

  constructor(emitter: EventEmitter<SandboxEvents>) {
    this.#emitter = emitter
    // A sandbox is one for all of a program: each of its parts may listen.
    emitter.setMaxListeners(0)
  }

  /** What costs something to find out need not be looked for where this is false. It may change at any time. */
  isHeard(name: SandboxEventName): boolean {
    return this.#emitter.listenerCount(name) > 0
  }

  /** Never throws: a listener that does ends the program as any uncaught error, and not what we are in the middle of. */
  tell<Name extends SandboxEventName>(name: Name, ...event: SandboxEvents[Name]): void {
    const untyped: EventEmitter = this.#emitter
    try {
      untyped.emit(name, ...event)
    } catch (error) {
      process.nextTick(() => {
        throw error
      })
    }
  }
}

/** What is decided about the network is for `onNetwork`, and for whoever listens. */
export function heardBy(options: CheckedOptions, events: Events): CheckedOptions {
  const { egress } = options
  if (egress === undefined) return options
  const { listener: own } = egress
  const listener: typeof own = (event) => {
    own?.(event)
    events.tell('network', event)
  }
  return { ...options, egress: { ...egress, listener, isHeard: () => own !== undefined || events.isHeard('network') } }
}
