/** OCI create: everything up to, not including, the user's program. */
import { closeSync } from 'node:fs'
import { join } from 'node:path'
import { Dispose } from '../base/dispose.ts'
import { assertNotInterrupted, catchSignals, releaseSignals } from '../kernel/interruption.ts'
import { type Child, launch } from '../launch/launch.ts'
import { writeMaps } from '../linux/idmap/write.ts'
import { openJoin } from '../linux/namespaces/open.ts'
import { makeDoor, makeGate } from '../state/gate.ts'
import type { ContainerRecord } from '../state/record.ts'
import type { Slot } from '../state/slot.ts'
import type { Context } from './context.ts'
import { passedFds } from './descriptors.ts'
import { Draft } from './draft.ts'
import { TERMINAL_STDIO } from './foreground.ts'
import { checkTerminal, Handover, type SocketOptions } from './handover.ts'
import { parseId } from './id.ts'
import { makeNotifyDirectory, notifyAddress, notifyDirectory, openNotifyTree } from './notify.ts'
import { assertPidFilePlace, writePidFile } from './pid-file.ts'
import type { Prepared } from './prepare.ts'
import { prepareFor } from './prepare-for.ts'
import { SeccompAgent } from './seccomp-agent.ts'
import { leaveShortcut } from './shortcut.ts'
import { watch } from './stand-in.ts'

export interface CreateOptions extends SocketOptions {
  readonly id: string
  readonly bundle: string
  readonly config?: string
  readonly pidFile?: string
  readonly noPivot?: boolean
  readonly noNewKeyring?: boolean
  /** A limit that nothing would enforce is an error. */
  readonly strict?: boolean
  readonly preserveFds?: number
}

/** A container whose first process waits for `go` (and then, with a gate, for start). */
export interface Creation {
  readonly slot: Slot
  readonly record: ContainerRecord
  readonly prepared: Prepared
  readonly child: Child
}

export interface BeginOptions extends CreateOptions {
  /** Descriptors 0, 1, 2 of a container without a terminal: numbers or wishes of kernel/native. */
  readonly stdio: readonly [number, number, number]
  readonly gate: boolean
  /** We do not stay with it. */
  readonly detached: boolean
}

/** @throws RuntimeError of whatever failed; then nothing is left behind */
export async function create(ctx: Context, options: CreateOptions): Promise<void> {
  await using undo = new Dispose()
  const { slot, record, child } = await begin(ctx, { ...options, stdio: [0, 1, 2], gate: true, detached: true }, undo)
  if (options.pidFile !== undefined) writePidFile(options.pidFile, record.pid, undo)
  await child.go()
  // From here on it is made: a signal comes too late, and the exit status says so.
  assertNotInterrupted()
  undo.disarm()
  slot.unlock()
}

/** What create and run share. Every step that leaves something behind is on `undo` before it acts. */
export async function begin(ctx: Context, options: BeginOptions, undo: Dispose): Promise<Creation> {
  const id = parseId(options.id)
  assertPidFilePlace(options.pidFile)
  const passed = passedFds(ctx.host, options.preserveFds ?? 0)
  const notify = notifyAddress(ctx.host)
  if (notify.refusal !== undefined) ctx.warn(notify.refusal)
  const prepared = await prepareFor(ctx, {
    ...options,
    notify: notify.address === undefined ? undefined : notifyDirectory(join(ctx.root, id)),
    id,
    keepFds: passed.fds.length,
    listenFds: passed.listenFds,
  })
  const { terminal } = prepared.spec.process
  checkTerminal({ terminal, detached: options.detached, consoleSocket: options.consoleSocket })
  const handover = new Handover(options, undo)
  const agent = SeccompAgent.connect(prepared.spec, undo)
  for (const warning of prepared.bundle.warnings) ctx.log.warn(warning)
  ctx.log.debug(`a plan of ${prepared.plan.ops.length} ops for the container ${id}`, 'create')
  ctx.ensureRoot()
  undo.push(releaseSignals)
  catchSignals(options.detached ? 'all' : 'ending')
  const draft = await Draft.reserve(ctx, { id, prepared, undo })
  draft.makePlaces(prepared)
  if (prepared.notify) draft.note({ notify: notify.address })
  const child = await launchDraft(draft, { prepared, options, passed: passed.fds, agent })
  watch(draft.record, draft.slot.directory)
  handover.deliver(child, 'standard')
  draft.save({ ready: true, degradations: [...draft.record.degradations, ...child.weaker] })
  leaveShortcut(draft.slot, draft.record, ctx)
  for (const { pointer, message, loud } of draft.record.degradations) ctx.warn(`${message} (${pointer})`, loud)
  return { slot: draft.slot, record: draft.record, prepared, child }
}

interface Launching {
  readonly prepared: Prepared
  readonly options: BeginOptions
  readonly passed: readonly number[]
  readonly agent: SeccompAgent | undefined
}

/** Up to where init waits. */
async function launchDraft(draft: Draft, { prepared, options, passed, agent }: Launching): Promise<Child> {
  const { ctx, undo } = draft
  const fds = openAll(options, { prepared, passed, directory: draft.slot.directory })
  undo.push(() => closeAll(fds.ours))
  for (const note of prepared.plan.notes) ctx.log.debug(note)
  const child = await launch(prepared.plan, {
    host: ctx.host,
    fds: fds.all,
    onBorn: (pid) => draft.bear(pid),
    answers: {
      mapsWritten: async (pid) => {
        if (prepared.maps) await writeMaps(pid, prepared.maps, ctx.host)
        return undefined
      },
      placed: async (pid) => {
        await draft.place(prepared, pid)
        return undefined
      },
      hooksRun: () => draft.runHooks(),
      taken: async (pid, listener) => {
        agent?.handOver({ record: draft.record, status: 'creating', pid, listener })
        return undefined
      },
    },
  })
  ctx.log.debug('init has obeyed the plan up to the program, and waits', 'create')
  closeAll(fds.ours.splice(0))
  return child
}

interface FdSources {
  readonly prepared: Prepared
  readonly passed: readonly number[]
  readonly directory: string
}

/** The descriptors of init in the order that the plan names them; `ours` are to be closed when init has them. */
export function openAll(
  { stdio, gate }: Pick<BeginOptions, 'stdio' | 'gate'>,
  { prepared, passed, directory }: FdSources,
): { all: number[]; ours: number[] } {
  const ours: number[] = []
  try {
    const ends = gate ? makeGate(directory) : undefined
    if (ends) ours.push(ends.start, ends.result)
    for (const join of prepared.plan.joins) ours.push(openJoin(join))
    if (prepared.notify) makeNotifyDirectory(directory)
    if (prepared.notify === 'as tree') ours.push(openNotifyTree(directory))
    if (prepared.plan.doorFd !== undefined) ours.push(makeDoor(directory))
    const first = prepared.spec.process.terminal ? TERMINAL_STDIO : stdio
    return { all: [...first, ...passed, ...ours], ours }
  } catch (error) {
    closeAll(ours)
    throw error
  }
}

export function closeAll(fds: readonly number[]): void {
  for (const fd of fds) closeSync(fd)
}
