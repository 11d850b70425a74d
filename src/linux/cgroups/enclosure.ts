/** The cgroups of sandboxes: only in the trees that hold a limit, with nothing else asked of them. */
import type { Host } from '../../host/facts.ts'
import type { Resources } from '../../spec/types.ts'
import { countsOf } from './counters.ts'
import { hasCgroupFile } from './files.ts'
import { type CgroupPlan, planOf } from './plan.ts'
import { homeOfController, type ManagedCgroup } from './record.ts'
import { type Surveyed, surveyAround } from './survey.ts'

/** What is to be held; undefined where it is not limited. */
export interface Amounts {
  /** Bytes, swap included where the kernel counts it. */
  readonly memory?: number | undefined
  /** Processes and threads, those of ours included. */
  readonly pids?: number | undefined
  /** Processors, such as 1.5. */
  readonly cpus?: number | undefined
}

const PERIOD_US = 100_000

const controllers = { memory: 'memory', pids: 'pids', cpus: 'cpu' } as const

/**
 * The places of a cgroup of that path (as for `cgroupsPath`) in the trees that hold these, or why there are none. Around a
 * login session systemd hands down memory and pids alone; root may make it at the top, where everything is.
 * Reads, and makes nothing.
 */
export function surveyEnclosure(
  path: string,
  host: Host,
  needed: readonly (keyof Amounts)[],
): readonly Surveyed[] | string {
  const around = surveyAt(path, host, needed)
  if (typeof around !== 'string' || !host.realRoot || path.startsWith('/')) return around
  const above = surveyAt(`/${path}`, host, needed)
  return typeof above === 'string' ? around : above
}

function surveyAt(path: string, host: Host, needed: readonly (keyof Amounts)[]): readonly Surveyed[] | string {
  if (host.cgroup.hierarchies.length === 0) return 'no cgroup file system is mounted'
  const survey = surveyAround(path, host.cgroup)
  const chosen = new Set<Surveyed>()
  for (const name of needed) {
    const controller = controllers[name]
    const found = survey.find((one) => one.controllers.includes(controller))
    if (found === undefined) return `the ${controller} controller cannot be had here`
    if (found.refusal) return `${found.refusal.path} may not be written to (${found.refusal.errno})`
    chosen.add(found)
  }
  return [...chosen]
}

/** The same place one directory deeper, or with a longer name. */
export const extended = (survey: readonly Surveyed[], more: string): Surveyed[] =>
  survey.map((one) => ({ ...one, place: { ...one.place, path: `${one.place.path}${more}` }, missing: 1 }))

/** @throws RuntimeError `cgroup-missing` */
export function planEnclosure(amounts: Amounts, host: Host, survey: readonly Surveyed[]): CgroupPlan {
  const spec = { ociVersion: '', linux: { resources: resourcesOf(amounts, survey) } }
  const { guard: _, ...plan } = planOf({ spec, host }, survey)
  return { ...plan, guard: undefined }
}

export function resourcesOf({ memory, pids, cpus }: Amounts, survey: readonly Surveyed[]): Resources {
  const swap = countsSwap(survey) ? { swap: memory } : {}
  return {
    ...(memory === undefined ? {} : { memory: { limit: memory, ...(swap as { swap: number }) } }),
    ...(pids === undefined ? {} : { pids: { limit: pids } }),
    ...(cpus === undefined ? {} : { cpu: { quota: Math.round(cpus * PERIOD_US), period: PERIOD_US } }),
  }
}

/** On v1 that can be switched off (swapaccount=0); on v2 a limit of 0 may be missing its file. */
function countsSwap(survey: readonly Surveyed[]): boolean {
  const found = survey.find((one) => one.controllers.includes('memory'))
  if (found?.place.version !== 1) return true
  return hasCgroupFile(found.place.mount, 'memory.memsw.limit_in_bytes')
}

export interface Hits {
  /** Processes that the kernel ended for lack of memory. */
  readonly memory: number
  /** Forks that it refused. */
  readonly pids: number
}

/** How often the limits were reached, as long as the cgroup is there. */
export function hitsOf(record: ManagedCgroup): Hits {
  const count = (controller: string, file: string, name: string) => {
    const home = homeOfController(record, controller)
    return home === undefined ? 0 : Number(countsOf(home.path, file)[name] ?? 0n)
  }
  const isV1 = homeOfController(record, 'memory')?.version === 1
  return {
    memory: count('memory', isV1 ? 'memory.oom_control' : 'memory.events', 'oom_kill'),
    pids: count('pids', 'pids.events', 'max'),
  }
}
