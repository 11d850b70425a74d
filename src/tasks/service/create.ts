/** A new task: bundle, shim, container. Whatever fails, nothing of it stays: the container neither. */
import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { Dispose } from '../../base/dispose.ts'
import { RuntimeError } from '../../base/errors.ts'
import type { CreateWish, ShimOptions } from '../api.ts'
import { makeBundle, removeBundle } from '../bundle.ts'
import { checkName } from '../names.ts'
import { nameOf } from '../process.ts'
import { any } from '../protobuf/google.ts'
import { RUNC_OPTIONS, runcOptions } from '../protobuf/options.ts'
import type { TaskRecord } from '../record.ts'
import { packOptions, startShim } from '../shim/binary.ts'
import { chooseShim } from './choose.ts'
import { endShim, forceAway } from './cleanup.ts'
import { holdReaders, makeIo } from './io.ts'
import { now, type ServiceState } from './state.ts'
import { Task } from './task.ts'
import { watchExit } from './watch.ts'

/** @throws RuntimeError */
export async function createTask(state: ServiceState, wish: CreateWish): Promise<Task> {
  const { id, namespace, io, runtime } = wish
  const { places } = state.options
  checkName('namespace', namespace)
  checkName('task id', id)
  if (state.find(wish) !== undefined) throw new RuntimeError('task-exists', { what: `task ${id} already exists` })
  state.ledger.journal(namespace)
  const { binary, options: usual } = chooseShim(runtime, {
    ...state.options,
    wrappers: places.wrappers,
    registry: state.registry,
  })
  const options = Buffer.from(encodeOptions(state, binary, { ...usual, ...wish.options })).toString('base64')
  await using undo = new Dispose()

  const bundle = await makeBundle({
    parent: state.bundlesOf(namespace),
    id,
    spec: Buffer.from(wish.spec, 'base64'),
    uid: state.options.uid,
  })
  undo.push(() => removeBundle(bundle).catch((error: Error) => state.options.warn(error.message)))
  const data = state.dataOf(wish)
  undo.push(() => rmSync(data, { recursive: true, force: true }))
  const record: TaskRecord = {
    namespace,
    id,
    instance: randomBytes(8).toString('hex'),
    bundle,
    created: Date.now(),
    io: makeIo(io, { bundle, data, name: 'init' }),
    shim: { runtime: runtime || state.registry.defaultName, binary, options, address: '', version: 2 },
    phase: 'making',
    wasStarted: false,
    labels: wish.labels ?? {},
  }
  const task = new Task(record)
  task.save({})
  state.add(task)
  undo.push(() => state.drop(task))
  await launch(state, task, undo)
  await makeContainer(state, task, { wish, undo })
  undo.disarm()
  watchExit(state, task, '')
  return task
}

async function launch(state: ServiceState, task: Task, undo: Dispose): Promise<void> {
  // From here on something may run that must go again, whether we heard its address or not.
  undo.push(() => quietly(state, task, endShim))
  const said = await startShim(state.shimCall(task))
  task.save({ shim: { ...task.record.shim, ...said } })
  const shim = await state.connect(said, state.deadlines.connect)
  const { shimPid } = await shim.call('Connect', { id: task.record.id }, { timeout: state.deadlines.connect })
  task.save({ shim: { ...task.record.shim, process: nameOf(shimPid) } })
  task.shim = shim
}

interface Making {
  readonly wish: CreateWish
  readonly undo: Dispose
}

async function makeContainer(state: ServiceState, task: Task, { wish, undo }: Making): Promise<void> {
  const { record } = task
  const { id, bundle, io, shim } = record
  const given = any.decode(Buffer.from(shim.options, 'base64'))
  undo.push(() => quietly(state, task, forceAway))
  using _readers = holdReaders(io)
  const { pid } = await state.shimOf(task).call(
    'Create',
    {
      id,
      bundle,
      ...io,
      rootfs: wish.rootfs ?? [],
      checkpoint: wish.checkpoint ?? '',
      ...(given.typeUrl === '' ? {} : { options: given }),
    },
    { timeout: state.deadlines.make },
  )
  // What is restored has a process only when it is started.
  const isLater = pid === 0 && Boolean(wish.checkpoint)
  if (pid === 0 && !isLater)
    throw new RuntimeError('shim-garbage', { what: 'the shim says that the container has no process' })
  task.save({ ...(!isLater && { process: nameOf(pid) }), phase: 'there' })
  const { terminal, stdin, stdout, stderr } = io
  const event = {
    containerId: id,
    bundle,
    rootfs: [],
    io: { stdin, stdout, stderr, terminal },
    pid,
    checkpoint: wish.checkpoint ?? '',
  }
  state.tell(task, { topic: '/tasks/create', time: now(), event })
}

/** Shims of the runc family get a state directory of their runtime's own: two runtimes cannot read each other's files. */
function encodeOptions(state: ServiceState, binary: string, options: ShimOptions): Uint8Array {
  const { typeUrl, value, ...rest } = options
  if (typeUrl !== undefined) return packOptions(typeUrl, Buffer.from(value ?? '', 'base64'))
  const name = (rest.binaryName ?? binary).replace(/^.*\//, '').replaceAll(/[^\w.-]/g, '_')
  return packOptions(RUNC_OPTIONS, runcOptions.encode({ root: join(state.options.places.oci, name), ...rest }))
}

/** The caller hears why the task could not be made; what of it could not be taken back is told besides. */
async function quietly(
  state: ServiceState,
  task: Task,
  step: (state: ServiceState, task: Task) => Promise<void>,
): Promise<void> {
  await step(state, task).catch((error: Error) => state.options.warn(`${task.record.id}: ${error.message}`))
}
