/** OCI start: opens the gate, and waits until the program runs or cannot. */
import { closeSync } from 'node:fs'
import { Socket } from 'node:net'
import { errnoOf, RuntimeError } from '../base/errors.ts'
import { writeAll } from '../base/files.ts'
import { failureOf, frameBytes, parseFrames } from '../launch/conversation.ts'
import { explainFailure } from '../launch/launch.ts'
import { type GateEnds, openGate, removeGate } from '../state/gate.ts'
import type { ContainerRecord } from '../state/record.ts'
import { openSlot } from '../state/store.ts'
import type { Context } from './context.ts'
import { runStateHooks } from './hooks.ts'
import { parseId } from './id.ts'
import { hookState, type Status, statusOf } from './oci-state.ts'
import { killContainer } from './process.ts'

const refusals: Readonly<Partial<Record<Status, string>>> = {
  stopped: 'cannot start a container that has stopped',
  running: 'cannot start an already running container',
  paused: 'cannot start a container in the paused state',
  creating: 'cannot start a container that is still being created',
}

/** @throws RuntimeError `container-missing`, `container-not-created`, or of the op that failed */
export async function start(ctx: Context, id: string): Promise<void> {
  const slot = await openSlot(ctx.root, parseId(id))
  try {
    const record = slot.load()
    if (!record) throw new RuntimeError('container-missing')
    const status = statusOf(record, ctx.host, ctx.root)
    const refusal = refusals[status]
    if (refusal !== undefined) throw new RuntimeError('container-not-created', { what: refusal })
    await passGate(record, slot.directory, ctx)
    removeGate(slot.directory)
    await runPoststart(record, ctx)
  } finally {
    slot.unlock()
  }
}

async function passGate(record: ContainerRecord, directory: string, ctx: Context): Promise<void> {
  let ends: GateEnds
  try {
    ends = openGate(directory)
  } catch (cause) {
    const gone = errnoOf(cause) === 'ENXIO'
    throw new RuntimeError(
      'container-not-created',
      gone ? { what: 'container process is already dead', cause } : { cause },
    )
  }
  const answer = readToEnd(ends.result)
  writeAll(ends.start, frameBytes('go', hookState(record, 'created')))
  const [failed] = parseFrames(await answer).frames
  closeSync(ends.start)
  if (!failed) return
  removeGate(directory)
  const failure = failureOf(failed)
  const op = record.tail.ops[failure.index - record.tail.first]
  throw explainFailure(failure, op, ctx.host)
}

/** End of file means that the program runs: init's end closed on exec. The socket closes the descriptor. */
function readToEnd(fd: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = new Socket({ fd, readable: true, writable: false })
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('end', () => resolve(Buffer.concat(chunks)))
    socket.on('error', reject)
  })
}

/** A failing poststart hook stops the container (runtime-spec 1.3, lifecycle step 9). */
export async function runPoststart(record: ContainerRecord, ctx: Context): Promise<void> {
  try {
    await runStateHooks(record, 'poststart', 'running')
  } catch (error) {
    await killContainer(record, ctx.host)
    throw error
  }
}
