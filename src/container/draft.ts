/** A container while it is made: what is known of it, which its record on disk has from each step on. */
import type { Dispose } from '../base/dispose.ts'
import type { ContainerId } from '../base/ids.ts'
import { readProcess } from '../host/process.ts'
import { makeCgroup, placeProcess } from '../linux/cgroups/manager.ts'
import type { ManagedCgroup } from '../linux/cgroups/record.ts'
import { startScope } from '../linux/cgroups/scope.ts'
import { moveNetDevices } from '../linux/net/move.ts'
import { makeRdt, placeInRdt } from '../linux/rdt/manager.ts'
import { keepCgroup } from '../state/kept-cgroup.ts'
import type { ContainerRecord } from '../state/record.ts'
import type { Slot } from '../state/slot.ts'
import { reserve } from '../state/store.ts'
import type { Context } from './context.ts'
import { firstRecord } from './first-record.ts'
import { runCreateHooks, runPoststop } from './hooks.ts'
import type { Prepared } from './prepare.ts'
import { killProcess } from './process.ts'

interface Beginning {
  readonly id: ContainerId
  readonly prepared: Prepared
  readonly undo: Dispose
}

export class Draft {
  readonly ctx: Context
  readonly undo: Dispose
  readonly slot: Slot
  record: ContainerRecord
  #hooksBegan = false

  private constructor(ctx: Context, slot: Slot, { record, undo }: { record: ContainerRecord; undo: Dispose }) {
    this.ctx = ctx
    this.undo = undo
    this.slot = slot
    this.record = record
  }

  /** Takes the id. @throws RuntimeError `id-used` and others of the state directory */
  static async reserve(ctx: Context, { id, prepared, undo }: Beginning): Promise<Draft> {
    const record = firstRecord(id, prepared, ctx)
    let draft: Draft | undefined
    // Its turn is last: what belongs to the container is gone by then.
    undo.push(() => draft?.endLifecycle())
    draft = new Draft(ctx, undo.use(await reserve(ctx.root, id)), { record, undo })
    draft.slot.save(record)
    return draft
  }

  /** From the first hook on a failure ends the lifecycle as delete does: everything goes, then the poststop hooks run. */
  async endLifecycle(): Promise<void> {
    if (this.#hooksBegan || this.record.ready) await runPoststop(this.record, this.ctx)
  }

  /** For the next save. */
  note(change: Partial<ContainerRecord>): void {
    this.record = { ...this.record, ...change }
  }

  save(change: Partial<ContainerRecord>): void {
    this.note(change)
    this.slot.save(this.record)
  }

  /** What has to be there before the first process: a class of service, and a cgroup that is ours to make. */
  makePlaces({ rdt, cgroup: { plan } }: Prepared): void {
    if (rdt) this.#keep({ rdt: makeRdt(rdt, this.undo) })
    if (plan && !plan.scope) this.#keep({ cgroup: makeCgroup(plan, this.undo) })
  }

  #keep(change: { readonly cgroup: ManagedCgroup } | Pick<ContainerRecord, 'rdt'>): void {
    this.save(change)
    const { bootId, cgroup, rdt } = this.record
    keepCgroup(this.slot.directory, { bootId, cgroup, rdt })
  }

  bear(pid: number): void {
    const startTime = readProcess(pid)?.startTime ?? '0'
    this.ctx.log.debug(`the first process of the container is ${pid}`, 'create')
    this.note({ pid, startTime })
    this.undo.push(() => killProcess(pid, startTime))
    this.slot.save(this.record)
  }

  /** The first process goes where its limits are, and devices into its network namespace. */
  async place({ spec, cgroup: { plan } }: Prepared, pid: number): Promise<void> {
    const { host } = this.ctx
    if (plan?.scope) this.#keep({ cgroup: await startScope(plan, { scope: plan.scope, host, pid }, this.undo) })
    else if (this.record.cgroup.manager !== 'none') await placeProcess(this.record.cgroup.homes, pid)
    if (this.record.rdt) placeInRdt(this.record.rdt, pid)
    moveNetDevices(spec.linux?.netDevices ?? {}, pid, this.undo)
  }

  runHooks(): Promise<string> {
    this.#hooksBegan = true
    return runCreateHooks(this.record, this.ctx)
  }
}
