/** A container on its way back: what restore does at the moments that criu tells. */
import { closeSync } from 'node:fs'
import type { Dispose } from '../base/dispose.ts'
import { readProcess } from '../host/process.ts'
import { waitNow } from '../kernel/children.ts'
import { FD_NULL } from '../kernel/functions.ts'
import { assertNotInterrupted } from '../kernel/interruption.ts'
import { launch } from '../launch/launch.ts'
import { makeCgroup, placeProcess } from '../linux/cgroups/manager.ts'
import { assertNew, setAgain } from '../linux/cgroups/restored.ts'
import { startScope } from '../linux/cgroups/scope.ts'
import { lostPeers } from '../linux/criu/external.ts'
import { lostLocks } from '../linux/criu/image.ts'
import { cgroupModes } from '../linux/criu/messages.ts'
import { setsAll } from '../linux/criu/options.ts'
import { planLoopback } from '../linux/criu/plan.ts'
import { openNetwork } from '../linux/criu/process.ts'
import type { Notification } from '../linux/criu/service.ts'
import { moveNetDevices } from '../linux/net/move.ts'
import { makeRdt, placeInRdt } from '../linux/rdt/manager.ts'
import { isNew } from '../linux/scene.ts'
import { keepCgroup } from '../state/kept-cgroup.ts'
import type { ContainerRecord } from '../state/record.ts'
import type { Slot } from '../state/slot.ts'
import { reserve } from '../state/store.ts'
import type { Context } from './context.ts'
import { closeAll } from './create.ts'
import type { Criu } from './criu.ts'
import { firstRecord, nanoTimestamp } from './first-record.ts'
import type { Attended } from './foreground.ts'
import type { Handover } from './handover.ts'
import { runCreateHooks, runPoststop } from './hooks.ts'
import { writePidFile } from './pid-file.ts'
import type { Prepared } from './prepare.ts'
import { killProcess } from './process.ts'
import type { ReviveOptions } from './restore-options.ts'
import { leaveShortcut } from './shortcut.ts'
import { watch } from './stand-in.ts'

export interface Revived {
  readonly slot: Slot
  readonly record: ContainerRecord
  readonly child: Attended
}

export interface RevivalParts {
  readonly options: ReviveOptions
  readonly prepared: Prepared
  readonly handover: Handover
  readonly undo: Dispose
}

/** A container on its way back: what is known of it grows with every moment that criu tells. */
export class Revival {
  record: ContainerRecord
  #slot: Slot | undefined
  #console: number | undefined
  #hooksBegan = false
  readonly #ctx: Context
  readonly #parts: RevivalParts

  constructor(ctx: Context, parts: RevivalParts) {
    this.#ctx = ctx
    this.#parts = parts
    this.record = firstRecord(parts.options.id, parts.prepared, ctx)
  }

  /** The id, and the cgroup. */
  async reserve(): Promise<Slot> {
    const { undo, prepared, options } = this.#parts
    for (const warning of prepared.bundle.warnings) this.#ctx.log.warn(warning)
    this.#ctx.ensureRoot()
    undo.push(() => (this.#hooksBegan || this.record.ready ? runPoststop(this.record, this.#ctx) : undefined))
    if (prepared.cgroup.plan && options.wishes.cgroupMode === cgroupModes.strict) assertNew(prepared.cgroup.plan)
    const slot = undo.use(await reserve(this.#ctx.root, options.id))
    this.#slot = slot
    slot.save(this.record)
    if (prepared.rdt) this.#keep({ rdt: makeRdt(prepared.rdt, undo) })
    const { plan } = prepared.cgroup
    if (plan && !plan.scope) this.#keep({ cgroup: makeCgroup(plan, undo) })
    return slot
  }

  #keep(made: Partial<Pick<ContainerRecord, 'cgroup' | 'rdt'>>): void {
    this.record = { ...this.record, ...made }
    this.#slot?.save(this.record)
    const { bootId, cgroup, rdt } = this.record
    if (this.#slot) keepCgroup(this.#slot.directory, { bootId, cgroup, rdt })
  }

  get isPlaced(): boolean {
    const { cgroup, rdt } = this.#parts.prepared
    return cgroup.plan !== undefined || rdt !== undefined
  }

  /** Of criu: what it makes begins where it is. */
  async place(pid: number): Promise<void> {
    const { prepared, undo } = this.#parts
    const { plan } = prepared.cgroup
    if (plan?.scope)
      this.#keep({ cgroup: await startScope(plan, { scope: plan.scope, host: this.#ctx.host, pid }, undo) })
    else if (this.record.cgroup.manager !== 'none') await placeProcess(this.record.cgroup.homes, pid)
    if (this.record.rdt) placeInRdt(this.record.rdt, pid)
  }

  /** The last moment at which a signal can undo everything is that before the processes go on. */
  async at({ moment, pid, fds }: Notification): Promise<void> {
    this.#ctx.log.debug(`criu: ${moment}`, 'restore')
    if (!moment.startsWith('post-resume')) assertNotInterrupted()
    if (moment === 'orphan-pts-master') this.#opened(fds)
    else closeAll(fds)
    if (moment === 'setup-namespaces') await this.#setUp(pid)
    if (moment === 'post-restore') this.#restored(pid)
  }

  #opened(fds: readonly number[]): void {
    const [first, ...others] = fds
    closeAll(this.#console === undefined ? others : fds)
    if (this.#console !== undefined || first === undefined) return
    this.#console = first
    this.#parts.undo.push(() => closeAll(this.#console === undefined ? [] : [this.#console]))
  }

  /** The namespaces are there, and nothing of the container runs: the place of prestart and createRuntime. */
  async #setUp(pid: number): Promise<void> {
    const { spec } = this.#parts.prepared
    if (isNew(spec, 'network')) {
      await bringUpLoopback(this.#ctx, pid)
      moveNetDevices(spec.linux?.netDevices ?? {}, pid, this.#parts.undo)
    }
    this.#hooksBegan = true
    await runCreateHooks({ ...this.record, pid }, this.#ctx)
  }

  /** Everything is as it was, and still stands still. */
  #restored(pid: number): void {
    const { undo, options, prepared } = this.#parts
    const startTime = readProcess(pid)?.startTime ?? '0'
    undo.push(() => killProcess(pid, startTime))
    if (prepared.cgroup.plan && setsAll(options.wishes)) setAgain(this.record.cgroup, prepared.cgroup.plan)
    watch({ ...this.record, pid }, this.#slot?.directory ?? '')
    const degradations = [
      ...this.record.degradations,
      ...lostPeers(prepared.spec),
      ...lostLocks(options.imagePath, options.wishes.fileLocks),
    ]
    this.record = { ...this.record, pid, startTime, ready: true, created: nanoTimestamp(), degradations }
    this.#slot?.save(this.record)
    if (this.#slot) leaveShortcut(this.#slot, this.record, this.#ctx)
    if (options.pidFile !== undefined) writePidFile(options.pidFile, pid, undo)
    for (const { pointer, message, loud } of degradations) this.#ctx.warn(`${message} (${pointer})`, loud)
  }

  finish({ pipes }: Criu): Revived {
    const { handover, options } = this.#parts
    const { pid } = this.record
    const console = this.#console
    if (options.consoleSocket !== undefined) {
      this.#console = undefined
      handover.deliver({ pid, console, consoleName: '/dev/pts/0' }, 'standard')
    }
    handover.close()
    const child = { pid, pipes, console: options.consoleSocket === undefined ? console : undefined, go: async () => {} }
    return { slot: this.#slot as Slot, record: this.record, child }
  }
}

/** criu leaves the network namespace empty; `create` gives it a loopback interface that is up. */
async function bringUpLoopback(ctx: Context, pid: number): Promise<void> {
  const network = openNetwork(pid)
  try {
    const child = await launch(planLoopback, { host: ctx.host, fds: [FD_NULL, FD_NULL, FD_NULL, network] })
    child.conversation.close()
    waitNow(child.pid)
  } finally {
    closeSync(network)
  }
}
