/** What the user's program gets, in the order in which each step still may be taken. */
import type { Degradation } from '../../base/issue.ts'
import type { Host } from '../../host/facts.ts'
import { CAP_SYS_ADMIN, rlimitNumber, rlimitNumbers } from '../../kernel/constants.ts'
import type { Op } from '../../kernel/plan.ts'
import { uint64 } from '../../spec/integers.ts'
import { KEEP_GROUPS } from '../../spec/names.ts'
import type { Linux, Process, Rlimit } from '../../spec/types.ts'
import { planLabels } from '../lsm/plan.ts'
import type { Part } from '../scene.ts'
import { capabilityMasks, type Masks } from './capabilities.ts'
import { type Environment, environmentOf } from './environment.ts'
import { planScheduling } from './scheduling.ts'

export interface ProcessScene {
  readonly host: Host
  /** What `linux` says about every process of the container. */
  readonly linux: Pick<Linux, 'memoryPolicy' | 'personality'>
  /** Capabilities we may hand out: all of them in a new user namespace, ours elsewhere. */
  readonly available: bigint
  /** May setgroups(2) be called? Not after `deny` was written; a namespace that is joined does not tell. */
  readonly maySetGroups: boolean | 'unknown'
  /** Those of the caller stay, and no other ones are set. */
  readonly keepsGroups: boolean
  readonly environment: Environment
  /** oom_score_adj that we have now: only real root may go below it. */
  readonly oomScoreAdj: number
  readonly mayLowerOom: boolean
  readonly keepFds: number
  /** A filter of system calls is loaded last: CAP_SYS_ADMIN stays permitted for it, up to the execve. */
  readonly loadsFilter: boolean
  /** JSON pointer of the process object. */
  readonly origin: string
}

export interface ProcessPart extends Part {
  /** Up to the last step before the program: it may still wait at the gate here. */
  readonly ops: readonly Op[]
  readonly exec: Op
}

export function planProcess(process: Process, scene: ProcessScene): ProcessPart {
  const degradations: Degradation[] = []
  const { origin } = scene
  const masks = capabilityMasks(process.capabilities, scene.available)
  for (const name of masks.missing)
    degradations.push({
      pointer: `${origin}/capabilities`,
      message: `${name} is left out: ${name === 'CAP_MKNOD' ? 'no device rules guard the host yet' : 'we do not hold it ourselves'}`,
    })
  for (const name of masks.notAmbient)
    degradations.push({
      pointer: `${origin}/capabilities/ambient`,
      message: `can't raise ambient capability ${name}: it must be permitted and inheritable too`,
      loud: true,
    })
  const { uid = 0, gid = 0, umask = 0o022, additionalGids = [] } = process.user ?? {}
  if (scene.keepsGroups && additionalGids.length > 0)
    degradations.push({
      pointer: `${origin}/user/additionalGids`,
      message: `no groups are added: the annotation ${KEEP_GROUPS} keeps those of the caller`,
    })
  const cwd = { op: 'cwd', path: process.cwd, origin: `${origin}/cwd` } as const
  const { env, search } = environmentOf(process.env ?? [], scene.environment)
  const file = process.args[0] ?? ''
  const ops: Op[] = [
    { op: 'umask', mask: umask, origin: `${origin}/user/umask` },
    ...planOpenFiles(process.rlimits ?? [], scene.host, origin),
    ...rlimits(process.rlimits ?? [], origin),
    ...planScheduling(process, scene.linux, origin),
    ...planLabels(process, scene.host, origin),
    { op: 'bounding', mask: masks.bounding, origin: `${origin}/capabilities/bounding` },
    { ...cwd, lenient: 1 },
    {
      op: 'user',
      uid,
      gid,
      setGroups: setGroups(scene, additionalGids),
      groups: scene.keepsGroups ? [] : additionalGids.map(String),
      origin: `${origin}/user`,
    },
    { ...cwd, lenient: 0 },
    capabilities(scene.loadsFilter ? { ...masks, permitted: masks.permitted | CAP_SYS_ADMIN } : masks, origin),
    ...(process.noNewPrivileges ? [{ op: 'noNewPrivs', origin: `${origin}/noNewPrivileges` } as const] : []),
  ]
  const argv = process.args
  if (argv.length === 0) return { ops, exec: { op: 'finish', status: 0, origin }, degradations }
  ops.push({ op: 'lookup', file, search, origin: `${origin}/args/0` })
  const exec: Op = { op: 'exec', file, search, argv, env, keepFds: scene.keepFds, origin: `${origin}/args` }
  return { ops, exec, degradations }
}

/** 2: only if it is allowed, which is enough where no group was asked for. See native/init/ops_process.c. */
function setGroups({ maySetGroups, keepsGroups }: ProcessScene, asked: readonly number[]): 0 | 1 | 2 {
  if (keepsGroups) return 0
  if (maySetGroups === 'unknown') return asked.length === 0 ? 2 : 1
  return maySetGroups ? 1 : 0
}

/**
 * In a user namespace nobody may raise a hard limit any more, not even real root: where that is needed it comes first.
 * The soft limits stay: the lower ones would hold for init itself.
 */
export function planRaisedLimits(process: Process, { rlimits: own }: Host, origin: string): Op[] {
  return (process.rlimits ?? []).flatMap(({ type, hard }, i) => {
    const now = own[type]
    if (now === undefined || uint64(hard) <= now.hard) return []
    const resource = rlimitNumber(type) ?? 0
    return [{ op: 'rlimit', resource, soft: now.soft, hard: uint64(hard), origin: `${origin}/rlimits/${i}` } as const]
  })
}

/** Where nothing else is asked, the soft limit is the caller's again, and not the one that Node gave itself. */
export function planOpenFiles(asked: readonly Rlimit[], host: Host, origin: string): Op[] {
  const [soft, now] = [host.callerOpenFiles, host.rlimits.RLIMIT_NOFILE]
  if (soft === undefined || now === undefined || soft >= now.soft) return []
  if (asked.some(({ type }) => type === 'RLIMIT_NOFILE')) return []
  return [{ op: 'rlimit', resource: rlimitNumbers.RLIMIT_NOFILE, soft, hard: now.hard, origin }]
}

function rlimits(limits: readonly Rlimit[], origin: string): Op[] {
  return limits.map(({ type, soft, hard }, i) => ({
    op: 'rlimit',
    resource: rlimitNumber(type) ?? 0,
    soft: uint64(soft),
    hard: uint64(hard),
    origin: `${origin}/rlimits/${i}`,
  }))
}

function capabilities({ effective, permitted, inheritable, ambient }: Masks, origin: string): Op {
  return { op: 'caps', effective, permitted, inheritable, ambient, origin: `${origin}/capabilities` }
}

/** Only real root may lower it (CAP_SYS_RESOURCE, proc_pid_oom_score_adj(5)); elsewhere the value stays as it is. */
export function planOomScore(process: Process, scene: ProcessScene): Part {
  const wanted = process.oomScoreAdj
  if (wanted === undefined) return { ops: [] }
  const pointer = `${scene.origin}/oomScoreAdj`
  if (wanted >= scene.oomScoreAdj || scene.mayLowerOom)
    return { ops: [{ op: 'oomScore', score: BigInt(wanted), origin: pointer }] }
  const message = `the OOM score stays at ${scene.oomScoreAdj}: only real root may lower it to ${wanted}`
  return { ops: [], degradations: [{ pointer, message }] }
}
