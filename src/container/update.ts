/** update: other limits for a container that exists. Only what is named changes. */
import { RuntimeError } from '../base/errors.ts'
import type { Host } from '../host/facts.ts'
import { applyWrites } from '../linux/cgroups/apply.ts'
import { checkLimits, checkLimitsHere, limitWrites, unheldLimits } from '../linux/cgroups/limits/limits.ts'
import { merged, named, toWrite } from '../linux/cgroups/limits/merge.ts'
import { versionsOf } from '../linux/cgroups/plan.ts'
import type { ManagedCgroup } from '../linux/cgroups/record.ts'
import { changeScope } from '../linux/cgroups/scope.ts'
import { asSystemdKeeps } from '../linux/cgroups/scope-plan.ts'
import { checkUsage } from '../linux/cgroups/usage.ts'
import { parseResources } from '../spec/parse.ts'
import type { Resources } from '../spec/types.ts'
import { validate } from '../spec/validate.ts'
import type { ContainerRecord } from '../state/record.ts'
import { openSlot } from '../state/store.ts'
import type { Context } from './context.ts'
import { parseId } from './id.ts'
import { isAlive } from './oci-state.ts'
import { leaveShortcut } from './shortcut.ts'
import { changeStandIn } from './stand-in.ts'
import { changeRdt, type RdtChange } from './update-rdt.ts'

export interface UpdateOptions {
  readonly resources: Resources
  readonly rdt?: RdtChange
}

/** The text of `--resources`. @throws RuntimeError `resources-invalid` */
export function readResources(text: string): Resources {
  const parsed = parseResources(text)
  if ('issue' in parsed) throw new RuntimeError('resources-invalid', { details: [parsed.issue.message] })
  refuseAll((parsed.spelling ?? []).map((issue) => ({ ...issue, pointer: `${RESOURCES}${issue.pointer}` })))
  return parsed.resources
}

/** @throws RuntimeError `container-missing`, `container-not-running`, `resources-invalid`, `cgroup-missing`, `cgroup-limit`, `rdt-missing`, `rdt-refused` */
export async function update(ctx: Context, id: string, { resources, rdt = {} }: UpdateOptions): Promise<void> {
  const slot = await openSlot(ctx.root, parseId(id))
  try {
    const record = slot.load()
    if (!record) throw new RuntimeError('container-missing')
    if (!isAlive(record, ctx.host)) throw new RuntimeError('container-not-running')
    const updated = changeRdt(record, rdt, ctx.host)
    try {
      const now = await change(updated.record, resources, ctx)
      slot.save(now)
      leaveShortcut(slot, now, ctx)
    } catch (error) {
      updated.undo()
      throw error
    }
  } finally {
    slot.unlock()
  }
}

/** @returns the record as it is now to be kept */
async function change(record: ContainerRecord, resources: Resources, ctx: Context): Promise<ContainerRecord> {
  const { linux = {} } = record.spec
  const old = linux.resources ?? {}
  refuseAll(validate({ ...record.spec, linux: { resources } }))
  const asked = named(resources)
  const all = merged(old, asked)
  if (Object.keys(asked).length === 0) return record
  const spec = { ...record.spec, linux: { ...linux, resources: all } }
  refuseAll(checkLimits(all))
  if (resources.devices && JSON.stringify(resources.devices) !== JSON.stringify(old.devices))
    ctx.warn('device rules cannot be changed: those that the container was made with stay (/devices)')
  const { cgroup } = record
  if (cgroup.manager === 'none' && record.standIn)
    return { ...record, spec, standIn: changeStandIn(record, record.standIn, asked, ctx) }
  if (cgroup.manager === 'none')
    throw new RuntimeError('cgroup-missing', { what: 'cannot update: the container has no cgroup', why: cgroup.reason })
  const versionOf = versionsOf(cgroup.homes)
  const hasV1 = cgroup.homes.some(({ version }) => version === 1)
  for (const { message, loud } of unheldLimits(asked, versionOf, hasV1)) ctx.warn(message, loud)
  refuseAll(checkLimitsHere(asked, versionOf, hasV1))
  refuseAll(checkLimitsHere({ memory: all.memory ?? {} }, versionOf, hasV1))
  if (resources.memory?.checkBeforeUpdate ?? old.memory?.checkBeforeUpdate) checkUsage(cgroup, all.memory ?? {})
  await write(cgroup, { asked, old, all, host: ctx.host })
  return { ...record, spec }
}

interface Change {
  readonly asked: Resources
  readonly old: Resources
  readonly all: Resources
  readonly host: Host
}

/** All or nothing, as far as systemd and the kernel take the old values back. */
async function write(cgroup: ManagedCgroup, { asked, old, all, host }: Change): Promise<void> {
  const versionOf = versionsOf(cgroup.homes)
  const hasV1 = cgroup.homes.some(({ version }) => version === 1)
  const keeps = (resources: Resources) => (cgroup.manager === 'systemd' ? asSystemdKeeps(resources) : resources)
  const writesOf = (resources: Resources) => limitWrites(keeps(resources), versionOf, hasV1)
  const change = toWrite(asked, all)
  await changeScope(cgroup, change, host)
  try {
    applyWrites(cgroup, writesOf(change))
  } catch (error) {
    await changeScope(cgroup, old, host).catch(() => undefined) // what is told is why the new value was refused
    for (const one of writesOf(old))
      try {
        applyWrites(cgroup, [one])
      } catch {
        // as above
      }
    throw error
  }
}

const RESOURCES = '/linux/resources'

function refuseAll(
  issues: readonly { readonly pointer: string; readonly message: string; readonly severity: string }[],
) {
  const found = issues.filter(({ severity, pointer }) => severity === 'error' && pointer.startsWith(RESOURCES))
  if (found.length === 0) return
  throw new RuntimeError('resources-invalid', {
    details: found.map(({ pointer, message }) => `${pointer.slice(RESOURCES.length)}: ${message}`),
  })
}
