/** Everything that can be refused before anything is made: create, run and plan share it. No side effects. */

import { type Degradation, error, type Issue } from '../base/issue.ts'
import { findDeviceNode } from '../host/device-node.ts'
import type { Host } from '../host/facts.ts'
import { FULL_SIZE } from '../host/userns.ts'
import { type ContainerPlan, compile } from '../launch/compile.ts'
import { checkLimits } from '../linux/cgroups/limits/limits.ts'
import { checkCgroupsPath } from '../linux/cgroups/place.ts'
import type { CgroupChoice } from '../linux/cgroups/plan.ts'
import { checkMaps } from '../linux/idmap/check.ts'
import { type ChosenMaps, chooseMaps } from '../linux/idmap/choose.ts'
import { checkProcessLabels, mountLabelNotes, processLabelNotes } from '../linux/lsm/check.ts'
import { checkIdMappedMounts } from '../linux/mounts/sources.ts'
import { checkNamespaces, strayProcesses } from '../linux/namespaces/check.ts'
import { checkNetDevices } from '../linux/net/check.ts'
import { availableCapabilities } from '../linux/process/capabilities.ts'
import type { IdLimits } from '../linux/process/check.ts'
import type { Environment } from '../linux/process/environment.ts'
import { keepsGroups } from '../linux/process/kept-groups.ts'
import { checkRdt } from '../linux/rdt/check.ts'
import { planRdt, type RdtPlan } from '../linux/rdt/plan.ts'
import { isJoined, isNew, isPrivate } from '../linux/scene.ts'
import { checkFilter, checkLength } from '../linux/seccomp/check.ts'
import { type StandIn, withProcessLimit } from '../linux/watchdog/plan.ts'
import type { MayMiss } from '../spec/names.ts'
import { withUserNamespace } from '../spec/rootless.ts'
import { noProcess } from '../spec/rules/process.ts'
import { type Bundle, homeOf, type RunnableSpec, readBundle, refuse } from './bundle.ts'
import type { Enforcer } from './context.ts'
import { type CgroupSource, chooseHolding, type Holding } from './holding.ts'
import { assertIds, assertOwners, groupNotes, ownerNotes } from './ids.ts'
import { takesNotifySocket, treeFd, withNotifySocket } from './notify.ts'

export interface PrepareOptions {
  /** Names the cgroup where the configuration does not. */
  readonly id: string
  readonly bundle: string
  /** Another file than BUNDLE/config.json. */
  readonly config?: string
  readonly noPivot?: boolean
  readonly noNewKeyring?: boolean
  /** A limit that nothing would enforce is an error. */
  readonly strict?: boolean
  /** Descriptors behind stdio that the program keeps. */
  readonly keepFds: number
  readonly cgroups: CgroupSource
  /** What is to hold limits where there is no cgroup. */
  readonly enforce: Enforcer
  readonly mayMiss: MayMiss
  readonly listenFds: number
  readonly gate: boolean
  /** The directory of the socket for sd_notify(3), if it gets one. */
  readonly notify: string | undefined
  /** We do not stay with it: its terminal, if it has one, goes to somebody else. */
  readonly detached: boolean
}

export interface Prepared {
  readonly bundle: Bundle
  /** Completed for a caller without privileges. */
  readonly spec: RunnableSpec
  /** Does it hold the socket for sd_notify(3)? Init may have to be given the directory. */
  readonly notify: 'by path' | 'as tree' | undefined
  readonly maps: ChosenMaps | undefined
  readonly plan: ContainerPlan
  readonly cgroup: CgroupChoice
  readonly rdt: RdtPlan | undefined
  /** What holds limits in place of a cgroup. */
  readonly standIn: StandIn | undefined
  readonly degradations: readonly Degradation[]
}

/** @throws RuntimeError for every finding of the bundle, of this host, and of both together */
export function prepare(host: Host, options: PrepareOptions): Prepared {
  const asked = readAsked(host, options)
  const { bundle, spec, maps, notify } = asked
  assertFit(asked, host, options)
  const { cgroup, standIn } = chooseHolding(spec, { ...options, host, maps })
  const plan = compileAsked(asked, { cgroup, standIn }, { host, options })
  return {
    bundle,
    spec,
    notify: notify === undefined ? undefined : asked.treePath === undefined ? 'by path' : 'as tree',
    maps,
    plan,
    cgroup,
    standIn,
    rdt: planRdt(spec.linux?.intelRdt, host.resctrl, options.id),
    degradations: [
      ...asked.added,
      ...notesOf(asked, host, options),
      ...cgroup.degradations,
      ...strayProcesses(spec, cgroup.plan !== undefined),
      ...plan.degradations,
    ],
  }
}

interface Asked {
  readonly bundle: Bundle
  readonly spec: RunnableSpec
  readonly maps: ChosenMaps | undefined
  /** The directory of the socket for sd_notify(3), if it takes one. */
  readonly notify: string | undefined
  /** The same, where init cannot reach it by path. */
  readonly treePath: string | undefined
  readonly added: readonly Degradation[]
}

function readAsked(host: Host, options: PrepareOptions): Asked {
  const bundle = readBundle(options.bundle, options.config)
  const { spec, maps, added } = complete(bundle.spec, host)
  const notify = takesNotifySocket(spec) ? options.notify : undefined
  return {
    bundle,
    spec: notify === undefined ? spec : withNotifySocket(spec, notify),
    maps,
    notify,
    treePath: host.realRoot && maps !== undefined ? notify : undefined,
    added,
  }
}

function assertFit({ spec, bundle, maps }: Asked, host: Host, { gate, mayMiss }: PrepareOptions): void {
  if (!gate && spec.process.args.length === 0) refuse([error('/process', noProcess)], 'error', 'config-invalid')
  refuse(hostIssues(spec, bundle, { host, maps, mayMiss }), 'error', 'config-invalid')
  const limits = idLimits(spec, host, maps)
  assertIds(spec.process, limits, host)
  assertOwners(spec.mounts ?? [], limits, host)
}

/** @throws RuntimeError `config-invalid` for what only the plan shows */
function compileAsked(
  { spec, bundle, maps, treePath }: Asked,
  { cgroup, standIn }: Holding,
  { host, options }: { readonly host: Host; readonly options: PrepareOptions },
): ContainerPlan {
  const guardsDevices = cgroup.plan?.guard !== undefined
  const process = withProcessLimit(spec.process, standIn, host)
  const plan = compile(
    { ...spec, process },
    {
      scene: {
        host,
        bundle: bundle.path,
        rootfs: bundle.rootfs,
        maps,
        deviceNodes: deviceNodes(spec),
        ...(treePath !== undefined && { openedTrees: new Map([[treePath, treeFd(spec, options)]]) }),
        cgroup: cgroup.plan && { places: cgroup.plan.places, guardsDevices },
        mayMiss: options.mayMiss,
        noPivot: options.noPivot ?? false,
        noNewKeyring: options.noNewKeyring ?? false,
      },
      keepFds: options.keepFds,
      environment: environmentWish(spec, bundle, { host, options }),
      gate: options.gate,
      isAttended: !options.detached,
    },
  )
  const ownsUserNamespace = maps !== undefined || isJoined(spec, 'user')
  const available = availableCapabilities(host, { ownsUserNamespace, guardsDevices })
  const filter = checkFilter(spec, { host, process: spec.process, available })
  refuse([...filter, ...checkLength(plan.ops)], 'error', 'config-invalid')
  return plan
}

const environmentWish = (
  { process }: RunnableSpec,
  { rootfs }: Bundle,
  { host, options }: { readonly host: Host; readonly options: PrepareOptions },
): Environment => ({
  home: homeOf(rootfs.path, process.user?.uid ?? 0),
  listenFds: options.listenFds,
  listenFdNames: host.env.LISTEN_FDNAMES,
})

/** What the caller should know before anything is made. */
const notesOf = ({ spec, bundle, maps }: Asked, host: Host, { mayMiss }: PrepareOptions): Degradation[] => [
  ...(maps?.notes ?? []).map((message) => ({ pointer: '/linux/uidMappings', message })),
  ...ownerNotes(bundle.rootfs, maps, host),
  ...groupNotes(maps, host),
  ...mountLabelNotes(spec.linux ?? {}, host),
  ...processLabelNotes(spec.process, host, { origin: '/process', mayMiss }),
]

/** A user namespace and maps where they are missing: without privileges nothing else can be made. */
function complete(spec: RunnableSpec, host: Host) {
  const wantsNew = isNew(spec, 'user')
  if (!host.rootlessEuid && !wantsNew) return { spec, maps: undefined, added: [] }
  if (isPrivate(spec, 'user') && !wantsNew) return { spec, maps: undefined, added: [] }
  const wanted = { uidMappings: spec.linux?.uidMappings ?? [], gidMappings: spec.linux?.gidMappings ?? [] }
  const choice = chooseMaps(host, wanted)
  if ('error' in choice) throw choice.error
  const asLines = (ranges: ChosenMaps['uid']) =>
    ranges.map(({ inner, outer, size }) => ({ containerID: inner, hostID: outer, size }))
  const full = withUserNamespace(spec, { uidMappings: asLines(choice.uid), gidMappings: asLines(choice.gid) })
  const added = full.added.map((pointer) => ({
    pointer,
    message: 'added by usnea: it was missing, and a user namespace is needed here',
  }))
  return { spec: full.spec as RunnableSpec, maps: choice, added }
}

const everyId = [{ inner: 0, outer: 0, size: FULL_SIZE }]

interface HostAndMaps {
  readonly mayMiss: MayMiss
  readonly host: Host
  readonly maps: ChosenMaps | undefined
}

function hostIssues(spec: RunnableSpec, { path, rootfs }: Bundle, { host, maps, mayMiss }: HostAndMaps): Issue[] {
  const { uidMappings = [], gidMappings = [] } = spec.linux ?? {}
  return [
    ...(maps ? checkMaps({ uidMappings, gidMappings }, host) : []),
    ...checkNamespaces(spec, host),
    ...checkProcessLabels(spec.process, host, { origin: '/process', mayMiss }),
    ...checkNetDevices(spec, host),
    ...checkRdt(spec, host),
    ...checkCgroupsPath(spec.linux?.cgroupsPath),
    ...checkLimits(spec.linux?.resources),
    ...checkIdMappedMounts(spec, host, { bundle: path, rootfs: rootfs.path }),
  ]
}

/** In a user namespace that is joined the map is not ours to know. */
function idLimits(spec: RunnableSpec, host: Host, maps: ChosenMaps | undefined): IdLimits {
  const foreign = isPrivate(spec, 'user') && maps === undefined
  return {
    uid: maps?.uid ?? (foreign ? everyId : host.uidMap),
    gid: maps?.gid ?? (foreign ? everyId : host.gidMap),
    maySetGroups: maps ? !maps.denySetgroups : foreign || host.setgroups === 'allow',
    keepsGroups: keepsGroups(spec),
    origin: '/process',
  }
}

function deviceNodes(spec: RunnableSpec): ReadonlyMap<string, string> {
  const found = (spec.linux?.devices ?? []).flatMap(({ path, type, major = 0, minor = 0 }) => {
    const node = type === 'p' ? undefined : findDeviceNode(path, { type, major, minor })
    return node === undefined ? [] : [[path, node] as const]
  })
  return new Map(found)
}
