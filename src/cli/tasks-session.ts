/** How the verbs of tasks reach the service: that of a daemon, or one of this very command. */
import { isRuntimeError, RuntimeError } from '../base/errors.ts'
import type { HostOptions, Places, Host as TaskHost, Tasks } from '../tasks/index.ts'
import { DEFAULT_NAMESPACE } from '../tasks/names.ts'
import type { Flag } from './flags.ts'
import type { Session } from './session.ts'
import { readVersion } from './version.ts'

export const serviceFlags = [
  { name: 'service', kind: 'text', value: 'DIR', help: 'the directory of the task service, instead of the usual ones' },
] as const satisfies readonly Flag[]

export const taskFlags = [
  ...serviceFlags,
  { name: 'namespace', short: 'n', kind: 'text', value: 'NAME', help: `namespace of the task (${DEFAULT_NAMESPACE})` },
] as const satisfies readonly Flag[]

export interface TaskValues {
  readonly service: string | undefined
  readonly namespace: string | undefined
}

export const targetOf = ({ namespace }: TaskValues, id: string) => ({ namespace: namespace ?? DEFAULT_NAMESPACE, id })

/** `@` is in no container id, so no container of ours can have this directory. */
const DIRECTORY = '@tasks'

export async function findPlaces(service: string | undefined, session: Session): Promise<Places> {
  const { placesOf } = await import('../tasks/places.ts')
  if (service !== undefined) return placesOf({ service: session.path(service), runtime: '', persistent: undefined })
  const { ensureStateRoot } = await import('../state/paths.ts')
  ensureStateRoot(await session.stateRoot(), await session.host())
  return await readPlaces(session)
}

/** Where they would be by default. Makes nothing. */
export async function readPlaces(session: Session): Promise<Places> {
  const { placesOf } = await import('../tasks/places.ts')
  const [host, root] = [await session.host(), await session.stateRoot()]
  const { dataPath } = await import('../state/paths.ts')
  return placesOf({
    runtime: `${root.path}/${DIRECTORY}`,
    persistent: host.realRoot ? '/var/lib/usnea' : await dataPath(),
  })
}

export async function hostOptions(places: Places, session: Session): Promise<HostOptions> {
  const { ourPrograms } = await import('../runtimes/open.ts')
  const host = await session.host()
  // What is meant for this process alone would make a runtime wait for us, or take our socket.
  const { LISTEN_FDS: _fds, LISTEN_PID: _pid, LISTEN_FDNAMES: _names, NOTIFY_SOCKET: _notify, ...env } = host.env
  return {
    places,
    env,
    uid: host.uid,
    version: readVersion(),
    program: session.io.program ?? `${ourPrograms()}/usnea`,
    warn: (message) => session.note(message),
  }
}

/** Milliseconds for another command, which has the directory, to listen or to end. */
const PATIENCE = 10_000

export interface Connection extends AsyncDisposable {
  readonly tasks: Tasks
}

/** The daemon's service, or one of our own for as long as we need it. */
export async function openTasks(service: string | undefined, session: Session): Promise<Connection> {
  const { connectTasks, hostTasks } = await import('../tasks/index.ts')
  const places = await findPlaces(service, session)
  const options = await hostOptions(places, session)
  for (const deadline = performance.now() + PATIENCE; ; await new Promise((resolve) => setTimeout(resolve, 20))) {
    const client = await connectTasks(places.socket, options.uid)
    if (client !== undefined) return { tasks: client, [Symbol.asyncDispose]: async () => client.close() }
    try {
      const host: TaskHost = await hostTasks(options)
      await host.restored
      return { tasks: host.service, [Symbol.asyncDispose]: () => host[Symbol.asyncDispose]() }
    } catch (error) {
      if (!isRuntimeError(error, 'daemon-running') || performance.now() > deadline) throw error
    }
  }
}

/** One thing that is asked, and the end of it. */
export async function withTasks<T>(
  values: TaskValues,
  session: Session,
  work: (tasks: Tasks) => Promise<T>,
): Promise<T> {
  await using connection = await openTasks(values.service, session)
  return await work(connection.tasks)
}

/**
 * For what only waits and looks: when the service ends, whoever has the directory next is asked the same again, or we
 * ourselves are it.
 */
export async function patiently<T>(
  values: TaskValues,
  session: Session,
  work: (tasks: Tasks) => Promise<T>,
): Promise<T> {
  for (;;) {
    try {
      return await withTasks(values, session, work)
    } catch (error) {
      if (!isRuntimeError(error, 'daemon-lost')) throw error
    }
  }
}

/** @throws RuntimeError `signal-unknown` */
export async function signalOf(text: string): Promise<number> {
  const { signalNumber } = await import('../kernel/constants.ts')
  const number = signalNumber(text)
  if (number === undefined) throw new RuntimeError('signal-unknown', { what: `unknown signal "${text}"` })
  return number
}
