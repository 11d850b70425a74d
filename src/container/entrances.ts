/** The ways into a container that is there already, for exec and mounts. */
import { join } from 'node:path'
import type { Dispose } from '../base/dispose.ts'
import { type Code, isRuntimeError, RuntimeError } from '../base/errors.ts'
import type { Host } from '../host/facts.ts'
import { readProcess } from '../host/process.ts'
import { askForNamespaces } from '../linux/namespaces/door.ts'
import { type Entrance, openNamespaces } from '../linux/namespaces/open.ts'
import { isNew } from '../linux/scene.ts'
import { doorOf } from '../state/gate.ts'
import type { ContainerRecord } from '../state/record.ts'
import type { Context } from './context.ts'
import { isAlive, statusOf } from './oci-state.ts'

type Verb = 'exec' | 'mounts'

interface Wanted {
  readonly verb: Verb
  readonly descriptors: Dispose
}

/** Until the gate has opened nobody but root may look into init, its namespaces included, so it is asked for them. */
export function entrancesOf(
  record: ContainerRecord,
  { host, root }: Context,
  { verb, descriptors }: Wanted,
): Entrance[] {
  const isCreated = () => statusOf(record, host, root) === 'created'
  if (!host.rootlessEuid || !isCreated()) return openNamespaces(record, host, descriptors)
  const held = askForNamespaces(doorOf(join(root, record.id)), host, descriptors)
  if (held === undefined && isCreated()) throw notStarted(verb)
  return held ?? openNamespaces(record, host, descriptors)
}

const notStarted = (verb: Verb): RuntimeError =>
  new RuntimeError('ns-join', {
    what: `cannot ${verb === 'exec' ? 'exec in' : 'change the mounts of'} a container that has not been started`,
    why: 'until then its init hands its namespaces out, and that one does not answer: it is just being started, is frozen, or was made by an older usnea',
    fix: `usnea start ID, then ${verb}`,
  })

/** setns(2) leads to the root of the mount namespace, and not to that of the container. */
export function assertOwnRoot({ spec }: ContainerRecord, verb: Verb): void {
  if (isNew(spec, 'mount')) return
  throw new RuntimeError('not-supported-yet', {
    what: `${verb === 'exec' ? 'exec into' : 'changing the mounts of'} a container without a mount namespace of its own is not supported yet`,
    fix: 'list a mount namespace without a path in linux.namespaces',
  })
}

const symptoms: readonly Code[] = ['ns-join', 'ns-refused', 'init-died', 'userns-nproc', 'cgroup-place']

/** A container that ends while we enter it shows in many ways: a namespace without processes refuses new ones with ENOMEM. */
export async function unlessStopped<T>(record: ContainerRecord, host: Host, entered: Promise<T>): Promise<T> {
  try {
    return await entered
  } catch (error) {
    if (!isRuntimeError(error) || !symptoms.includes(error.code) || !isEnding(record, host)) throw error
    throw new RuntimeError('exec-stopped', { cause: error })
  }
}

/** In a pid namespace the first process ends the others before it is gone itself. */
const isEnding = (record: ContainerRecord, host: Host): boolean =>
  !isAlive(record, host) || (readProcess(record.pid)?.isEnding ?? true)
