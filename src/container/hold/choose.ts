/** Which way the limits of a sandbox are held on this machine. Reads, and makes nothing. */
import { RuntimeError } from '../../base/errors.ts'
import type { Host } from '../../host/facts.ts'
import type { Level } from '../../host/level.ts'
import { hasUserManager } from '../../host/session.ts'
import { surveyEnclosure } from '../../linux/cgroups/enclosure.ts'
import type { Surveyed } from '../../linux/cgroups/survey.ts'
import { refusesOneUser } from '../../linux/watchdog/plan.ts'
import type { Amounts, LimitName } from './amounts.ts'
import { named } from './amounts.ts'
import { boxName } from './box-name.ts'

export interface Way {
  readonly amounts: Amounts
  readonly by: 'cgroup' | 'systemd' | 'watchdog'
  /** With `cgroup`: where. */
  readonly survey: readonly Surveyed[]
  /** Why it is no cgroup. */
  readonly why: string
  /** RLIMIT_NPROC holds the number of processes by itself. */
  readonly refusesForks: boolean
  /** Asked for, and held by nothing: it was accepted so. */
  readonly loose: readonly LimitName[]
}

export interface Question {
  readonly amounts: Amounts
  readonly host: Host
  readonly level: Level
  /** A cgroup must be had, whatever is limited. */
  readonly needsCgroup: boolean
  /** Limits that nothing holds will do. */
  readonly mayBeLoose: boolean
  /** They are for several sandboxes together, of which each may have others. */
  readonly isShared?: boolean
}

/** Undefined where there is nothing to hold. @throws RuntimeError `policy-unenforceable` with how to get what is missing */
export function chooseWay(question: Question): Way | undefined {
  const { amounts, host, level, needsCgroup, mayBeLoose, isShared = false } = question
  const wanted = named(amounts)
  if (wanted.length === 0 && !needsCgroup) return undefined
  const survey = surveyEnclosure(boxName(0), host, wanted.length > 0 ? wanted : ['memory', 'pids', 'cpus'])
  const way = { amounts, survey: [], why: '', refusesForks: false, loose: [] }
  if (typeof survey !== 'string') return { ...way, by: 'cgroup', survey }
  if (!isShared && mayAskSystemd(host)) return { ...way, by: 'systemd', why: survey }
  const loose = wanted.filter((name) => name === 'cpus')
  const [first] = needsCgroup ? (['cgroups'] as const) : loose
  if (first !== undefined && (needsCgroup || !mayBeLoose)) throw unheld(first, survey, host)
  const refusesForks = !isShared && level !== 'L' && amounts.pids !== undefined && refusesOneUser(host)
  return { ...way, by: 'watchdog', why: survey, refusesForks, loose }
}

/** On v1 a user's manager has no controllers. What it can hand out is known when it is asked. */
const mayAskSystemd = (host: Host): boolean =>
  !host.realRoot && host.hasSystemd && host.cgroup.layout === 'v2' && hasUserManager(host.env, host.uid)

export function unheld(name: LimitName | 'cgroups', why: string, host: Host): RuntimeError {
  return new RuntimeError('policy-unenforceable', {
    details: [`${name}: only a cgroup holds it, and none can be had: ${why}`],
    origin: name === 'cgroups' ? 'require' : name,
    fix: `${howToGetOne(host)}${name === 'cgroups' ? '' : '; or go on without it: --accept limits (accept: ["limits"])'}`,
  })
}

function howToGetOne({ cgroup, hasSystemd, realRoot }: Host): string {
  if (realRoot) return 'mount a cgroup file system that may be written to (Docker: --privileged, or -v /sys/fs/cgroup)'
  if (cgroup.layout !== 'v2') return 'run as root, or boot with cgroup v2 (systemd.unified_cgroup_hierarchy=1)'
  if (!hasSystemd) return 'run as root, or let root hand a cgroup to this user (docs/cgroups.md)'
  return 'log in so that systemd --user runs (sudo loginctl enable-linger USER), with Delegate=cpu cpuset io memory pids for user@.service'
}
