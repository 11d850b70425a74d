/** config.json and the facts of the host into a launch plan. Pure: the same in gives the same out. */

import type { Degradation } from '../base/issue.ts'
import type { Host } from '../host/facts.ts'
import { CAP_SYS_ADMIN } from '../kernel/constants.ts'
import type { Op, Plan } from '../kernel/plan.ts'
import { messages } from '../kernel/plan-def.ts'
import { planDevices } from '../linux/devices/plan.ts'
import { hasCreateHooks, planHooks } from '../linux/hooks/plan.ts'
import { keyLabelOf } from '../linux/lsm/plan.ts'
import { planFuseDevices, planLateReadonly, planMounts } from '../linux/mounts/plan.ts'
import { planCovers, planForeignRoot, planPivot, planRoot, planRootPropagation } from '../linux/mounts/root.ts'
import { planEarlySources } from '../linux/mounts/sources.ts'
import { type Join, joinsOf, planInner, planOuter } from '../linux/namespaces/plan.ts'
import { availableCapabilities } from '../linux/process/capabilities.ts'
import type { Environment } from '../linux/process/environment.ts'
import { environmentOf } from '../linux/process/environment.ts'
import { keepsGroups } from '../linux/process/kept-groups.ts'
import { type ProcessScene, planOomScore, planProcess, planRaisedLimits } from '../linux/process/plan.ts'
import { planAllCpus } from '../linux/process/scheduling.ts'
import { isJoined, isNew, type Part, type Scene } from '../linux/scene.ts'
import { needsSysAdmin, planFilter } from '../linux/seccomp/plan.ts'
import { planSysctl } from '../linux/sysctl/plan.ts'
import { planConsole, planTerminal } from '../linux/tty/plan.ts'
import type { Process, Spec } from '../spec/types.ts'

export interface CompileOptions {
  readonly scene: Scene
  /** Descriptors 3 … 2+keepFds stay open in the program. */
  readonly keepFds: number
  readonly environment: Environment
  /** Wait at the gate after `go`: OCI create. Without it the program runs at once: OCI run. */
  readonly gate: boolean
  /** We stay and move what the terminal says; else somebody else gets it. */
  readonly isAttended: boolean
}

export interface ContainerPlan extends Plan {
  readonly joins: readonly Join[]
  /** Numbers of the gate's descriptors in init; undefined without a gate. */
  readonly gateFds: readonly [start: number, result: number] | undefined
  /** The number of the gate's door, behind all others; undefined without one. */
  readonly doorFd: number | undefined
  /** For whoever debugs. */
  readonly notes: readonly string[]
}

export function compile(spec: Spec & { process: Process }, options: CompileOptions): ContainerPlan {
  const { scene, keepFds } = options
  const gateFds = options.gate ? ([3 + keepFds, 4 + keepFds] as const) : undefined
  const joins = joinsOf(spec, scene.host, 3 + keepFds + (gateFds ? 2 : 0))
  const doorFd = gateFds && needsDoor(spec, scene.host) ? 5 + keepFds + joins.length : undefined
  const process = processScene(spec, options)
  const body = planProcess(spec.process, process)
  const oom = planOomScore(spec.process, process)
  const inner = planInner(spec, { newKeyring: !scene.noNewKeyring, keyLabel: keyLabelOf(spec, scene.host) })
  const terminal = planTerminal(spec.process, { isAttended: options.isAttended, origin: '/process' })
  const ownRoot = isNew(spec, 'mount')
  const root = ownRoot ? planNewRoot(spec, scene, terminal) : planNoRoot(spec, terminal)
  const entry = ownRoot ? { ops: planPivot(spec, scene, maySysAdmin(body.ops)) } : planForeignRoot(spec, scene)
  const env = environmentOf(spec.process.env ?? [], options.environment).env
  const filter = planFilter(spec, { host: scene.host, process: spec.process, keepFds })
  const ops: Op[] = [
    ...oom.ops,
    ...(scene.maps && scene.host.realRoot ? planRaisedLimits(spec.process, scene.host, '/process') : []),
    ...planEarlySources(spec, scene, joins.find(({ type }) => type === 'user')?.fd),
    ...beforeBirth(planOuter(spec, scene, joins), ownRoot ? planFuseDevices(spec, scene) : []),
    // Before it can make anything that would stay outside of the cgroup.
    ...placed(spec, scene),
    ...inner.ops,
    ...(doorFd === undefined ? [] : [{ op: 'holdNamespaces', origin: '/linux/namespaces' } as const]),
    ...root.ops,
    ...createHooks(spec, scene),
    ...entry.ops,
    ...planAllCpus('/process'),
    ...body.ops,
    ...filter.early,
    { op: 'say', message: messages.ready, origin: '/process' },
    { op: 'wait', message: messages.go, origin: '/process' },
    ...planGate(gateFds, doorFd),
    ...filter.late,
    ...planHooks(spec, 'startContainer', env),
    body.exec,
  ]
  return {
    ops,
    joins,
    gateFds,
    doorFd,
    notes: filter.notes,
    degradations: [inner, oom, root, entry, body].flatMap(degradationsOf),
  }
}

function beforeBirth(outer: readonly Op[], more: readonly Op[]): Op[] {
  const birth = outer.findIndex(({ op }) => op === 'born')
  return [...outer.slice(0, birth), ...more, ...outer.slice(birth)]
}

/**
 * A container that waits for its start is not to be looked into, and exec has to enter it all the same. Real root may;
 * for everybody else init hands its namespaces out.
 */
const needsDoor = (spec: Spec, host: Host): boolean => host.rootlessEuid && isNew(spec, 'mount')

function planGate(fds: ContainerPlan['gateFds'], doorFd = 0): Op[] {
  return fds ? [{ op: 'gate', startFd: fds[0], resultFd: fds[1], doorFd, origin: '/process' }] : []
}

/** The parent has put the first process into its cgroup and its class of service, and network devices into its namespace. */
function placed(spec: Spec, scene: Scene): Op[] {
  if (scene.cgroup) return [placedOp('/linux/cgroupsPath')]
  if (spec.linux?.intelRdt) return [placedOp('/linux/intelRdt')]
  return Object.keys(spec.linux?.netDevices ?? {}).length > 0 ? [placedOp('/linux/netDevices')] : []
}

export const placedOp = (origin: string): Op => ({ op: 'wait', message: messages.placed, origin })

const degradationsOf = (part: Part): readonly Degradation[] => part.degradations ?? []

const maySysAdmin = (ops: readonly Op[]): boolean =>
  ops.some((op) => op.op === 'bounding' && (BigInt(op.mask) & CAP_SYS_ADMIN) !== 0n)

/** The terminal comes from the devpts of the namespace that we are in: the container gets none of its own. */
function planNoRoot(spec: Spec, terminal: readonly Op[]): Part {
  const sysctls = planSysctl(spec)
  return {
    ops: [
      ...terminal,
      ...(sysctls.length > 0 ? [{ op: 'rootHere', origin: '/linux/sysctl' } as const, ...sysctls] : []),
    ],
  }
}

/** The terminal comes from the devpts that is mounted by then, and before anything turns read-only or is covered. */
function planNewRoot(spec: Spec, scene: Scene, terminal: readonly Op[]): Part {
  const mounts = planMounts(spec, scene)
  const devices = planDevices(spec, scene)
  const cwd = spec.process?.cwd ?? '/'
  return {
    ops: [
      ...planRoot(scene),
      ...mounts.ops,
      ...devices.ops,
      ...terminal,
      ...(terminal.length > 0 ? planConsole() : []),
      ...planLateReadonly(spec),
      ...(cwd === '/' ? [] : [{ op: 'mkdir', path: cwd, mode: 0o755, origin: '/process/cwd' } as const]),
      ...planSysctl(spec),
      ...planCovers(spec),
      ...planRootPropagation(spec, scene),
    ],
    degradations: [mounts, devices].flatMap(degradationsOf),
  }
}

/**
 * The parent runs prestart and createRuntime in its own namespaces while init waits; createContainer is init's. A hook
 * without an environment of its own gets the runtime's, as in runc.
 */
function createHooks(spec: Spec, { host }: Scene): Op[] {
  if (!hasCreateHooks(spec)) return []
  const ownEnv = Object.entries(host.env).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]))
  return [
    { op: 'say', message: messages.rootfsBuilt, origin: '/hooks' },
    { op: 'wait', message: messages.hooksRun, origin: '/hooks' },
    ...planHooks(spec, 'createContainer', ownEnv),
  ]
}

function processScene(
  spec: Spec & { process: Process },
  { scene, keepFds, environment }: CompileOptions,
): ProcessScene {
  const { host, maps } = scene
  const joined = isJoined(spec, 'user')
  const owned = maps !== undefined || joined
  return {
    host,
    linux: spec.linux ?? {},
    available: availableCapabilities(host, {
      ownsUserNamespace: owned,
      guardsDevices: scene.cgroup?.guardsDevices ?? false,
    }),
    maySetGroups: maps ? !maps.denySetgroups : joined ? 'unknown' : host.setgroups === 'allow',
    keepsGroups: keepsGroups(spec),
    environment,
    oomScoreAdj: host.oomScoreAdj,
    mayLowerOom: host.realRoot && !owned,
    keepFds,
    loadsFilter: needsSysAdmin(spec.linux?.seccomp, spec.process),
    origin: '/process',
  }
}
