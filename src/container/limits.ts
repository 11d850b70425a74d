/** Which of the limits that were asked for hold, and what holds them. */

import { unheldLimits } from '../linux/cgroups/limits/limits.ts'
import { versionsOf } from '../linux/cgroups/plan.ts'
import { type CgroupRecord, type Home, homeOfController, unifiedHome } from '../linux/cgroups/record.ts'
import { linesOf } from '../linux/rdt/schemata.ts'
import { valueAt } from '../spec/pointer.ts'
import { limitsAsked } from '../spec/support.ts'
import { loadRecord } from '../state/read-record.ts'
import type { ContainerRecord } from '../state/record.ts'
import type { Context } from './context.ts'
import { parseId } from './id.ts'
import type { Limit } from './limit.ts'
import { standInFor } from './stand-in.ts'

/** @throws RuntimeError `container-missing` */
export async function limits(ctx: Context, id: string): Promise<Limit[]> {
  return limitsOf(loadRecord(ctx.root, parseId(id)), ctx)
}

export function limitsOf(record: ContainerRecord, ctx: Context): Limit[] {
  const { linux = {}, process } = record.spec
  const inert = inertLimits(record)
  const held = limitsAsked(linux.resources).map((limit): Limit => {
    const value = valueAt(record.spec, limit)
    const why = inert.find(([pointer]) => limit === pointer)?.[1]
    const held = standInFor(record, limit, ctx)
    if (held) return { limit, value, ...held }
    if (record.cgroup.manager === 'none')
      return { limit, value, enforcedBy: 'nothing', detail: why ?? record.cgroup.reason }
    const home = why === undefined ? homeOf(record.cgroup, limit) : undefined
    if (!home) return { limit, value, enforcedBy: 'nothing', detail: why ?? 'no tree has a controller for it' }
    return { limit, value, enforcedBy: record.cgroup.manager === 'systemd' ? 'systemd' : 'cgroup', detail: home.path }
  })
  const rlimits = (process?.rlimits ?? []).map(
    (value, index): Limit => ({ limit: `/process/rlimits/${index}`, value, enforcedBy: 'rlimit' }),
  )
  const { rdt } = record
  const shares = linesOf(linux.intelRdt ?? {}).map(
    (value): Limit => ({
      limit: '/linux/intelRdt',
      value,
      ...(rdt ? { enforcedBy: 'resctrl', detail: rdt.group } : { enforcedBy: 'nothing' }),
    }),
  )
  return [...held, ...shares, ...rlimits]
}

/** Those of which it is on record that they do not hold, or that have no effect on the trees that there are. */
function inertLimits({ cgroup, degradations, spec }: ContainerRecord): (readonly [pointer: string, why: string])[] {
  const noted = degradations.filter(({ pointer }) => pointer.startsWith('/linux/resources/'))
  const homes = cgroup.manager === 'none' ? [] : cgroup.homes
  const hasV1 = homes.length === 0 || homes.some(({ version }) => version === 1)
  const here = homes.length === 0 ? [] : unheldLimits(spec.linux?.resources, versionsOf(homes), hasV1)
  return [...noted, ...here].map(({ pointer, message }) => [pointer, message])
}

const controllers: Readonly<Record<string, readonly string[]>> = {
  memory: ['memory'],
  cpu: ['cpu'],
  pids: ['pids'],
  blockIO: ['blkio', 'io'],
  hugepageLimits: ['hugetlb'],
  rdma: ['rdma'],
  classID: ['net_cls'],
  priorities: ['net_prio'],
  cpus: ['cpuset'],
  mems: ['cpuset'],
}

/** `/linux/resources/SECTION/NAME`: some names have a controller of their own. */
function homeOf(cgroup: CgroupRecord, limit: string): Home | undefined {
  const [, , , section = '', name = ''] = limit.split('/')
  if (section === 'unified') return unifiedHome(cgroup)
  const wanted = controllers[name] ?? controllers[section] ?? []
  return wanted.map((controller) => homeOfController(cgroup, controller)).find((home) => home !== undefined)
}
