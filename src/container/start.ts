/** OCI start: opens the gate, and waits until the program runs or cannot. */
import { closeSync, readSync } from 'node:fs'
import { errnoOf, RuntimeError } from '../base/errors.ts'
import { writeAll } from '../base/files.ts'
import { native } from '../kernel/native.ts'
import { failureOf, frameBytes, parseFrames } from '../launch/frames.ts'
import { explainFailure } from '../launch/init.ts'
import { type GateEnds, openGate, removeGate } from '../state/gate.ts'
import type { ContainerRecord } from '../state/record.ts'
import { openSlot } from '../state/store.ts'
import type { Context } from './context.ts'
import { runPoststart, stateFor } from './hooks.ts'
import { parseId } from './id.ts'
import { openNotify } from './notify.ts'
import { type Status, statusOf } from './oci-state.ts'

const refusals: Readonly<Partial<Record<Status, string>>> = {
  stopped: 'cannot start a container that has stopped',
  running: 'cannot start an already running container',
  paused: 'cannot start a container in the paused state',
  creating: 'cannot start a container that is still being created',
}

export interface StartOptions {
  /** What init answered to native/quick, which opened the gate: only what this means is left to do. */
  readonly answer?: Buffer
}

/** @throws RuntimeError `container-missing`, `container-not-created`, or of the op that failed */
export async function start(ctx: Context, id: string, { answer }: StartOptions = {}): Promise<void> {
  const slot = await openSlot(ctx.root, parseId(id))
  try {
    const record = slot.load()
    if (!record) throw new RuntimeError('container-missing')
    if (answer) return judge(answer, { record, directory: slot.directory, ctx })
    const status = statusOf(record, ctx.host, ctx.root)
    const refusal = refusals[status]
    if (refusal !== undefined) throw new RuntimeError('container-not-created', { what: refusal })
    if (record.spec.process?.args.length === 0) ctx.warn('nothing is run: the configuration has no process section')
    openNotify(record, slot.directory, ctx)?.relayAside(record.pid)
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
    if (cause instanceof RuntimeError) throw cause
    throw errnoOf(cause) === 'ENXIO' ? alreadyDead(cause) : new RuntimeError('container-not-created', { cause })
  }
  sayGo(ends.start, stateFor(record, 'startContainer'))
  const answer = readToEnd(ends.result)
  closeSync(ends.start)
  judge(answer, { record, directory, ctx })
}

interface Judging {
  readonly record: ContainerRecord
  readonly directory: string
  readonly ctx: Context
}

function judge(answer: Buffer, { record, directory, ctx }: Judging): void {
  const [failed] = parseFrames(answer).frames
  if (failed?.message !== 'failed') return
  removeGate(directory)
  const failure = failureOf(failed)
  const op = record.tail.ops[failure.index - record.tail.first]
  throw explainFailure(failure, op, ctx.host)
}

const alreadyDead = (cause: unknown): RuntimeError =>
  new RuntimeError('container-not-created', { what: 'container process is already dead', cause })

/** It may have died since the gate was opened. */
function sayGo(fd: number, state: string): void {
  try {
    writeAll(fd, frameBytes('go', state))
  } catch (cause) {
    throw errnoOf(cause) === 'EPIPE' ? alreadyDead(cause) : cause
  }
}

/** A failure frame and its words: see native/init/control.c. */
const MAX_ANSWER = 4096

/** End of file means that the program runs: init's end closed on exec. Opened without blocking, so readiness is asked for. */
function readToEnd(fd: number): Buffer {
  const chunks: Buffer[] = []
  for (let total = 0; total < MAX_ANSWER; ) {
    native().waitReadable(fd, -1)
    const chunk = Buffer.alloc(4096)
    const size = readSync(fd, chunk)
    if (size === 0) break
    chunks.push(chunk.subarray(0, size))
    total += size
  }
  closeSync(fd)
  return Buffer.concat(chunks)
}
