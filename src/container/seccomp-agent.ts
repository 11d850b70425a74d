/** Whoever answers for a filter's notifications: it listens on a socket that the profile names. runtime-spec, "Seccomp". */
import { closeSync } from 'node:fs'
import type { Dispose } from '../base/dispose.ts'
import { RuntimeError } from '../base/errors.ts'
import { connectUnix, sendMessage } from '../kernel/fdpass.ts'
import { asksForListener } from '../linux/seccomp/plan.ts'
import { SPEC_VERSION } from '../spec/rules/version.ts'
import type { ContainerRecord } from '../state/record.ts'
import { hookState, type Status } from './oci-state.ts'

export interface Listened {
  readonly record: ContainerRecord
  readonly status: Status
  /** The process that the filter holds for; of `exec` not the container's first one. */
  readonly pid: number
  /** Stays the caller's to close. */
  readonly listener: number
}

/** Connected to before anything is made: an agent that is not there leaves nothing behind. */
export class SeccompAgent {
  readonly #path: string
  #socket: number | undefined

  /** Undefined when no rule notifies anybody; then the path is not looked at. @throws RuntimeError `seccomp-agent` */
  static connect({ linux }: ContainerRecord['spec'], undo: Dispose): SeccompAgent | undefined {
    const seccomp = linux?.seccomp
    if (seccomp === undefined || !asksForListener(seccomp)) return undefined
    const agent = new SeccompAgent(seccomp.listenerPath ?? '')
    undo.push(() => agent.close())
    return agent
  }

  private constructor(path: string) {
    const socket = connectUnix(path)
    if (typeof socket !== 'number')
      throw new RuntimeError('seccomp-agent', {
        what: `failed to connect with seccomp agent at ${path}`,
        errno: socket.refused,
        origin: '/linux/seccomp/listenerPath',
      })
    this.#path = path
    this.#socket = socket
  }

  /** One message: the state of the process, and the listener. @throws RuntimeError `seccomp-agent` */
  handOver({ record, status, pid, listener }: Listened): void {
    const { listenerMetadata } = record.spec.linux?.seccomp ?? {}
    const state = {
      ociVersion: SPEC_VERSION,
      fds: ['seccompFd'],
      pid,
      ...(listenerMetadata === undefined ? {} : { metadata: listenerMetadata }),
      state: JSON.parse(hookState(record, status)),
    }
    const failure =
      this.#socket === undefined ? undefined : sendMessage(this.#socket, JSON.stringify(state), [listener])
    this.close()
    if (failure)
      throw new RuntimeError('seccomp-agent', {
        what: `the seccomp agent at ${this.#path} does not take the listener`,
        errno: failure.refused,
        origin: '/linux/seccomp/listenerPath',
      })
  }

  close(): void {
    if (this.#socket !== undefined) closeSync(this.#socket)
    this.#socket = undefined
  }
}
