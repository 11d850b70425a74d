/** Which cgroup a container gets, and what holds its limits where it gets none. Nothing is made yet. */
import { RuntimeError } from '../base/errors.ts'
import type { Host } from '../host/facts.ts'
import { chooseCgroup } from '../linux/cgroups/choose.ts'
import { ownerOf } from '../linux/cgroups/ownership.ts'
import type { CgroupChoice } from '../linux/cgroups/plan.ts'
import { type Answer, chooseScope, scopePlaces, wantedUnit, withoutScope } from '../linux/cgroups/scope-plan.ts'
import { surveyAround, surveyScope } from '../linux/cgroups/survey.ts'
import type { ChosenMaps } from '../linux/idmap/choose.ts'
import { heldBy, planStandIn, type StandIn, wantsStandIn } from '../linux/watchdog/plan.ts'
import type { RunnableSpec } from './bundle.ts'
import type { Enforcer } from './context.ts'

/** Who makes the cgroup; for systemd what it says of itself. `without`: there is none to be had, and that is why. */
export type CgroupSource = 'cgroupfs' | 'disabled' | { readonly systemd: Answer } | { readonly without: RuntimeError }

interface Wish {
  readonly host: Host
  readonly maps: ChosenMaps | undefined
  /** Names the cgroup where the configuration does not. */
  readonly id: string
  readonly cgroups: CgroupSource
  readonly enforce: Enforcer
  readonly strict?: boolean
}

export interface Holding {
  readonly cgroup: CgroupChoice
  /** What holds limits in place of a cgroup. */
  readonly standIn: StandIn | undefined
}

/** @throws RuntimeError why there is no cgroup, when nothing may stand in for it; `limit-unheld` */
export function chooseHolding(spec: RunnableSpec, wish: Wish): Holding {
  const { host, maps, enforce, strict } = wish
  const found = withOwner(cgroupOf(spec, wish), ownerOf(spec, host, maps?.uid))
  const isHeldAside = found.plan === undefined && wantsStandIn(spec, enforce)
  const standIn = isHeldAside ? planStandIn(spec, { host, maps }) : undefined
  const cgroup = withoutHeld(found, standIn)
  if (strict) assertHeld(cgroup)
  return { cgroup, standIn }
}

/** @throws RuntimeError `limit-unheld` */
function assertHeld({ degradations }: CgroupChoice): void {
  const loose = degradations.filter(({ pointer }) => pointer.startsWith('/linux/resources/'))
  if (loose.length === 0) return
  throw new RuntimeError('limit-unheld', { details: loose.map(({ pointer, message }) => `${pointer}: ${message}`) })
}

const withOwner = (choice: CgroupChoice, owner: number | undefined): CgroupChoice =>
  choice.plan ? { ...choice, plan: { ...choice.plan, owner } } : choice

/** What something else holds is no degradation. */
function withoutHeld(choice: CgroupChoice, standIn: StandIn | undefined): CgroupChoice {
  const held = standIn ? heldBy(standIn) : []
  return { ...choice, degradations: choice.degradations.filter(({ pointer }) => !held.includes(pointer)) }
}

function cgroupOf(spec: RunnableSpec, { host, id, cgroups, enforce }: Wish): CgroupChoice {
  if (typeof cgroups === 'object' && 'without' in cgroups) {
    if (!wantsStandIn(spec, enforce)) throw cgroups.without
    const { what, why } = cgroups.without
    return chooseCgroup({ spec, host, manager: 'disabled', survey: [], why: why ?? what })
  }
  if (typeof cgroups === 'object') return scopeOf(spec, host, { id, answer: cgroups.systemd })
  const path = spec.linux?.cgroupsPath || id
  const survey = cgroups === 'cgroupfs' ? surveyAround(path, host.cgroup) : []
  return chooseCgroup({ spec, host, manager: cgroups, survey })
}

function scopeOf(spec: RunnableSpec, host: Host, { id, answer }: { id: string; answer: Answer }): CgroupChoice {
  const unit = wantedUnit({ spec, host }, id)
  if (answer instanceof RuntimeError) return withoutScope({ spec, host }, answer)
  const survey = surveyScope(scopePlaces(unit, answer, host.cgroup), answer)
  return chooseScope({ spec, host, id, unit, facts: answer, survey })
}
