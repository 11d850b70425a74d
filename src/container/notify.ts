/** sd_notify(3): the service manager that called us hears from the program in the container. */
import { closeSync, constants, fchmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { RuntimeError } from '../base/errors.ts'
import type { Host } from '../host/facts.ts'
import { relayAside } from '../kernel/aside.ts'
import { errnoName } from '../kernel/errno.ts'
import { native } from '../kernel/native.ts'
import { countJoins } from '../linux/namespaces/plan.ts'
import { isNew } from '../linux/scene.ts'
import { openOwn } from '../state/own-file.ts'
import type { ContainerRecord } from '../state/record.ts'
import type { RunnableSpec } from './bundle.ts'
import type { Context } from './context.ts'

/** Where the container finds the socket. */
const INSIDE = '/run/notify'
const NAME = 'notify.sock'
/** sun_path of unix(7), without the NUL behind it. */
const LONGEST = 107

/** The address in $NOTIFY_SOCKET, or why it is none that we can write to. */
export function notifyAddress({ env }: Host): { readonly address?: string; readonly refusal?: string } {
  const address = env.NOTIFY_SOCKET ?? ''
  if (address === '') return {}
  const isUsable = /^[/@]./.test(address) && Buffer.byteLength(address) <= LONGEST
  if (isUsable) return { address }
  return { refusal: `NOTIFY_SOCKET=${address} is not used: it is neither a path nor an abstract name` }
}

/** The socket's directory, read-only, and its name in the environment. */
export function withNotifySocket(spec: RunnableSpec, source: string): RunnableSpec {
  const options = ['bind', 'ro', 'nosuid', 'nodev', 'noexec']
  const mount = { destination: INSIDE, type: 'bind', source, options }
  const env = [...(spec.process.env ?? []), `NOTIFY_SOCKET=${INSIDE}/${NAME}`]
  return { ...spec, mounts: [...(spec.mounts ?? []), mount], process: { ...spec.process, env } }
}

/** The descriptor behind all others in init. */
export const treeFd = (spec: RunnableSpec, { keepFds, gate }: { keepFds: number; gate: boolean }): number =>
  3 + keepFds + (gate ? 2 : 0) + countJoins(spec)

/** Without a mount namespace of its own the container has no place for the socket. */
export const takesNotifySocket = (spec: RunnableSpec): boolean => isNew(spec, 'mount')

export const notifyDirectory = (state: string): string => join(state, 'notify')

export function makeNotifyDirectory(state: string): void {
  const directory = notifyDirectory(state)
  mkdirSync(directory)
  const fd = openOwn(directory, constants.O_RDONLY | constants.O_DIRECTORY)
  fchmodSync(fd, 0o755)
  closeSync(fd)
}

/**
 * For init as root of a user namespace, who may not walk to the state directory of real root. The caller closes it.
 * @throws RuntimeError `notify-failed`
 */
export function openNotifyTree(state: string): number {
  const fd = native().copyTree(notifyDirectory(state))
  if (fd < 0) throw failed('cannot hand the notify socket to the user namespace', -fd)
  return fd
}

/** The socket, from before the program runs. */
export class Notify {
  readonly #directory: string
  readonly #address: string
  readonly #fd: number

  /** @throws RuntimeError `notify-failed` */
  constructor(state: string, address: string) {
    this.#directory = notifyDirectory(state)
    const fd = native().bindNotify(this.#directory, NAME)
    if (fd < 0) throw failed('cannot make the notify socket of the container', -fd)
    this.#address = address
    this.#fd = fd
  }

  /** From us, for as long as we attend, and from what takes our place. */
  relayHere(): void {
    native().relay(this.#fd, this.#address)
  }

  /**
   * From a process beside us, until the program is ready. The service manager learns at once which process to watch,
   * because we end now. @throws RuntimeError `notify-failed`
   */
  relayAside(pid: number): void {
    native().notify(this.#address, `MAINPID=${pid}\n`)
    const done = relayAside({ fd: this.#fd, address: this.#address, pid, label: this.#directory })
    closeSync(this.#fd)
    if (done < 0) throw failed('cannot start what relays to NOTIFY_SOCKET', -done)
  }
}

function failed(what: string, errno: number): RuntimeError {
  return new RuntimeError('notify-failed', { what, errno: errnoName(errno) })
}

/** For a container that was made for it. `start` may have another service manager around it than `create` had. */
export function openNotify(record: ContainerRecord, state: string, { host }: Context): Notify | undefined {
  if (record.notify === undefined) return undefined
  return new Notify(state, notifyAddress(host).address ?? record.notify)
}
