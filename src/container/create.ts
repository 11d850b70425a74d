/** OCI create: everything up to, not including, the user's program. */
import { closeSync } from 'node:fs'
import { join } from 'node:path'
import { Dispose } from '../base/dispose.ts'
import { readProcess } from '../host/process.ts'
import { assertNotInterrupted, catchSignals, releaseSignals } from '../kernel/interruption.ts'
import { type Child, launch } from '../launch/launch.ts'
import { makeCgroup, placeProcess } from '../linux/cgroups/manager.ts'
import type { ManagedCgroup } from '../linux/cgroups/record.ts'
import { startScope } from '../linux/cgroups/scope.ts'
import { writeMaps } from '../linux/idmap/write.ts'
import { openJoin } from '../linux/namespaces/open.ts'
import { moveNetDevices } from '../linux/net/move.ts'
import { makeRdt, placeInRdt } from '../linux/rdt/manager.ts'
import { makeDoor, makeGate } from '../state/gate.ts'
import { keepCgroup } from '../state/kept-cgroup.ts'
import type { ContainerRecord } from '../state/record.ts'
import { reserve, type Slot } from '../state/store.ts'
import type { Context } from './context.ts'
import { passedFds } from './descriptors.ts'
import { firstRecord } from './first-record.ts'
import { TERMINAL_STDIO } from './foreground.ts'
import { checkTerminal, Handover, type SocketOptions } from './handover.ts'
import { runCreateHooks, runPoststop } from './hooks.ts'
import { parseId } from './id.ts'
import { makeNotifyDirectory, notifyAddress, notifyDirectory, openNotifyTree } from './notify.ts'
import { assertPidFilePlace, writePidFile } from './pid-file.ts'
import type { Prepared } from './prepare.ts'
import { prepareFor } from './prepare-for.ts'
import { killProcess } from './process.ts'
import { SeccompAgent } from './seccomp-agent.ts'
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
  let record = firstRecord(id, prepared, ctx)
  let hooksBegan = false
  // From the first hook on a failure ends the lifecycle as delete does: everything goes, then the poststop hooks run.
  undo.push(() => (hooksBegan || record.ready ? runPoststop(record, ctx) : undefined))
  const slot = undo.use(await reserve(ctx.root, id))
  slot.save(record)
  const { plan: cgroupPlan } = prepared.cgroup
  const keep = (cgroup: ManagedCgroup) => {
    record = { ...record, cgroup }
    slot.save(record)
    keepCgroup(slot.directory, { bootId: record.bootId, cgroup, rdt: record.rdt })
  }
  if (prepared.rdt) {
    record = { ...record, rdt: makeRdt(prepared.rdt, undo) }
    slot.save(record)
    keepCgroup(slot.directory, { bootId: record.bootId, cgroup: record.cgroup, rdt: record.rdt })
  }
  if (cgroupPlan && !cgroupPlan.scope) keep(makeCgroup(cgroupPlan, undo))
  if (prepared.notify) record = { ...record, notify: notify.address }
  const fds = openAll(options, { prepared, passed: passed.fds, directory: slot.directory })
  undo.push(() => closeAll(fds.ours))
  const born = (pid: number) => {
    const startTime = readProcess(pid)?.startTime ?? '0'
    ctx.log.debug(`the first process of the container is ${pid}`, 'create')
    record = { ...record, pid, startTime }
    undo.push(() => killProcess(pid, startTime))
    slot.save(record)
  }
  for (const note of prepared.plan.notes) ctx.log.debug(note)
  const child = await launch(prepared.plan, {
    host: ctx.host,
    fds: fds.all,
    onBorn: born,
    answers: {
      mapsWritten: async (pid) => {
        if (prepared.maps) await writeMaps(pid, prepared.maps, ctx.host)
        return undefined
      },
      placed: async (pid) => {
        if (cgroupPlan?.scope)
          keep(await startScope(cgroupPlan, { scope: cgroupPlan.scope, host: ctx.host, pid }, undo))
        else if (record.cgroup.manager !== 'none') await placeProcess(record.cgroup.homes, pid)
        if (record.rdt) placeInRdt(record.rdt, pid)
        moveNetDevices(prepared.spec.linux?.netDevices ?? {}, pid, undo)
        return undefined
      },
      hooksRun: () => {
        hooksBegan = true
        return runCreateHooks(record, ctx)
      },
      taken: async (pid, listener) => {
        agent?.handOver({ record, status: 'creating', pid, listener })
        return undefined
      },
    },
  })
  ctx.log.debug('init has obeyed the plan up to the program, and waits', 'create')
  closeAll(fds.ours.splice(0))
  watch(record, slot.directory)
  handover.deliver(child, 'standard')
  record = { ...record, ready: true, degradations: [...record.degradations, ...child.weaker] }
  slot.save(record)
  for (const { pointer, message, loud } of record.degradations) ctx.warn(`${message} (${pointer})`, loud)
  return { slot, record, prepared, child }
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
