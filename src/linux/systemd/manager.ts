/** What we ask systemd for: org.freedesktop.systemd1(5). */
import type { Code } from '../../base/catalogue.ts'
import { type ErrorFacts, RuntimeError } from '../../base/errors.ts'
import type { Host } from '../../host/facts.ts'
import { type BusAddress, type ManagerPlace, managerPlace, outerUid } from './address.ts'
import { Bus, type Call, CallError, type Patience } from './bus.ts'
import { BusError } from './channel.ts'
import type { Value, Variant } from './encode.ts'
import type { Message } from './message.ts'
import { objectPath } from './names.ts'

export type Property = readonly [name: string, value: Variant]

/** What a plan needs to know of a manager. */
export interface ManagerFacts {
  readonly manager: 'system' | 'user'
  readonly version: number
  /** Where its own units begin, from the root of the cgroup tree on; empty for the root. */
  readonly cgroup: string
}

const SYSTEMD = 'org.freedesktop.systemd1'
const MANAGER = { destination: SYSTEMD, path: '/org/freedesktop/systemd1', interface: `${SYSTEMD}.Manager` }
const MATCH = `type='signal',sender='${SYSTEMD}',interface='${SYSTEMD}.Manager',member='JobRemoved'`

/** A machine under load is slow, and a job may wait for others; nothing waits for ever. */
const patience: Patience = { connect: 5_000, call: 25_000 }
const JOB_MS = 30_000

const isJobRemoved = ({ member, interface: name }: Message): boolean =>
  member === 'JobRemoved' && name === MANAGER.interface

export class Manager implements Disposable {
  readonly place: ManagerPlace
  readonly #bus: Bus

  private constructor(place: ManagerPlace, bus: Bus) {
    this.place = place
    this.#bus = bus
  }

  /** @throws RuntimeError `systemd-unreachable` with what each address said */
  static async open(host: Host, wait: Patience = patience): Promise<Manager> {
    const place = managerPlace(host)
    const said: string[] = []
    for (const address of place.addresses) {
      try {
        const options = { patience: wait, uid: outerUid(host), match: MATCH, keeps: isJobRemoved }
        return new Manager(place, await Bus.connect(address, options))
      } catch (error) {
        if (!(error instanceof BusError || error instanceof CallError)) throw error
        said.push(`${shown(address)}: ${error.message}`)
      }
    }
    throw unreachable(host, place, said)
  }

  /** @throws RuntimeError `systemd-silent`, `systemd-refused` */
  async facts(): Promise<ManagerFacts> {
    const [version, cgroup] = [await this.#property('Version'), await this.#property('ControlGroup')]
    return {
      manager: this.place.manager,
      version: Number(/\d+/.exec(String(version))?.[0] ?? 0),
      cgroup: String(cgroup).replace(/\/$/, ''),
    }
  }

  /**
   * Starts a scope and waits until its processes are in it. A failed unit of that name, left over from a crash, is swept
   * away first. @throws RuntimeError `systemd-unit`, `systemd-refused`, `systemd-silent`
   */
  async startScope(unit: string, properties: readonly Property[]): Promise<void> {
    const start = () => this.#call('StartTransientUnit', 'ssa(sv)a(sa(sv))', [unit, 'replace', properties, []])
    let job: readonly Value[]
    try {
      job = await start()
    } catch (error) {
      if (errorName(error) !== 'UnitExists') throw explained(error, `cannot start the unit ${unit}`)
      await this.#quietly('ResetFailedUnit', unit)
      job = await start().catch((second: unknown) => {
        throw explained(second, `cannot start the unit ${unit}`)
      })
    }
    const result = await this.#ended(job[0])
    if (result === 'done') return
    await this.#quietly('ResetFailedUnit', unit)
    throw new RuntimeError('systemd-refused', {
      what: `cannot start the unit ${unit}: its job ended as "${result}"`,
      fix: `look into the journal: journalctl ${this.#userFlag()}-u ${unit}`,
    })
  }

  /** What tells this run of a unit from another one of the same name; undefined when there is no such unit. */
  async invocationOf(unit: string): Promise<string | undefined> {
    try {
      const id = await this.#get(objectPath(unit), `${SYSTEMD}.Unit`, 'InvocationID')
      // A unit that is not there can be asked for all the same, and has none.
      return id instanceof Uint8Array && id.length > 0 ? Buffer.from(id).toString('hex') : undefined
    } catch (error) {
      if (error instanceof CallError) return undefined
      throw explained(error, `cannot look at the unit ${unit}`)
    }
  }

  /** Stops the unit and waits for it. One that is gone already is no error. @throws RuntimeError `systemd-silent`, `systemd-refused` */
  async stop(unit: string): Promise<void> {
    try {
      const [job] = await this.#call('StopUnit', 'ss', [unit, 'replace'])
      await this.#ended(job)
    } catch (error) {
      if (errorName(error) !== 'NoSuchUnit') throw explained(error, `cannot stop the unit ${unit}`)
    }
    await this.#quietly('ResetFailedUnit', unit)
  }

  /** Until the next boot only. @throws RuntimeError `systemd-refused`, `systemd-silent` */
  async setProperties(unit: string, properties: readonly Property[]): Promise<void> {
    try {
      await this.#call('SetUnitProperties', 'sba(sv)', [unit, true, properties])
    } catch (error) {
      throw explained(error, `cannot change the unit ${unit}`)
    }
  }

  /** Moves processes of ours where we may not move them ourselves (v238). `below`: from the unit's cgroup on. */
  async attach(unit: string, below: string, pid: number): Promise<void> {
    try {
      await this.#call('AttachProcessesToUnit', 'ssau', [unit, below, [pid]])
    } catch (error) {
      throw explained(error, `cannot move process ${pid} into the unit ${unit}`)
    }
  }

  async #call(member: string, signature: string, body: readonly Value[]): Promise<readonly Value[]> {
    return this.#bus.call({ ...MANAGER, member, signature, body } satisfies Call)
  }

  /** For what may be refused because there is nothing to do. */
  async #quietly(member: string, unit: string): Promise<void> {
    try {
      await this.#call(member, 's', [unit])
    } catch (error) {
      if (!(error instanceof CallError)) throw explained(error, `cannot tidy up the unit ${unit}`)
    }
  }

  async #property(name: string): Promise<Value> {
    try {
      return await this.#get(MANAGER.path, MANAGER.interface, name)
    } catch (error) {
      throw explained(error, `cannot ask systemd for its ${name}`)
    }
  }

  async #get(path: string, from: string, name: string): Promise<Value> {
    const properties = { destination: SYSTEMD, path, interface: 'org.freedesktop.DBus.Properties', member: 'Get' }
    const [value] = await this.#bus.call({ ...properties, signature: 'ss', body: [from, name] })
    return (value as Variant).value
  }

  /** JobRemoved(u id, o job, s unit, s result): "done", "canceled", "timeout", "failed", "dependency", "skipped". */
  async #ended(job: Value | undefined): Promise<string> {
    const signal = await this.#bus.signal((one) => isJobRemoved(one) && one.body[1] === job, JOB_MS)
    return String(signal.body[3])
  }

  #userFlag(): string {
    return this.place.manager === 'user' ? '--user ' : ''
  }

  [Symbol.dispose](): void {
    this.#bus[Symbol.dispose]()
  }
}

const shown = ({ path }: BusAddress): string => path.replace('\0', '@')

const errorName = (error: unknown): string | undefined =>
  error instanceof CallError ? error.errorName.split('.').at(-1) : undefined

/** A trouble between us and systemd, or its refusal, in our words. */
function explained(error: unknown, what: string): unknown {
  if (error instanceof BusError)
    return new RuntimeError('systemd-silent', { what, details: [error.message], cause: error })
  if (!(error instanceof CallError)) return error
  const [code, facts] = refusals[errorName(error) ?? ''] ?? (['systemd-refused', {}] as const)
  return new RuntimeError(code, { what, details: [error.message], ...facts, cause: error })
}

const asSystem: readonly [Code, ErrorFacts] = [
  'systemd-refused',
  {
    why: "the system's manager was asked, and it takes orders from root only",
    fix: "unset DBUS_SYSTEM_BUS_ADDRESS, or let DBUS_SESSION_BUS_ADDRESS name your user's bus",
  },
]

/** Last words of the names of errors. */
const refusals: Readonly<Record<string, readonly [Code, ErrorFacts]>> = {
  UnitExists: ['systemd-unit', {}],
  InteractiveAuthorizationRequired: asSystem,
  AccessDenied: asSystem,
}

function unreachable(host: Host, { manager, addresses }: ManagerPlace, said: readonly string[]): RuntimeError {
  const facts = { details: said.length > 0 ? said : ['no address is known'] }
  if (manager === 'system')
    return new RuntimeError('systemd-unreachable', {
      ...facts,
      fix: 'look whether it runs (systemctl is-system-running), and in a container bind /run/systemd/private into it',
    })
  const uid = outerUid(host)
  const name = host.userName ?? String(uid)
  const isLoggedIn = addresses.some(({ path }) => path.startsWith(host.env.XDG_RUNTIME_DIR || '\0'))
  return new RuntimeError('systemd-unreachable', {
    what: 'failed to connect to the systemd user manager',
    ...facts,
    why: isLoggedIn
      ? 'your systemd user manager does not run, or its sockets are not to be seen here'
      : 'XDG_RUNTIME_DIR is not set: this is no login session (su, sudo, cron)',
    fix: `log in through ssh or machinectl shell ${name}@, or let the manager run without a login: sudo loginctl enable-linger ${name}; then export XDG_RUNTIME_DIR=/run/user/${uid}. Debian: apt-get install dbus-user-session. Or leave --systemd-cgroup out`,
  })
}
