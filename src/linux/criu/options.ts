/** What criu is asked for, from the wishes of the caller and the facts of the container. Pure. */
import { CLONE_NEWNET } from '../../kernel/constants.ts'
import type { Spec } from '../../spec/types.ts'
import { joinedOutside, namespaceNames } from './external.ts'
import { type CriuOptions, cgroupModes, type Named } from './messages.ts'
import type { Wishes } from './wishes.ts'

/** Descriptors of ours; criu opens its logs in the second. */
export interface Directories {
  readonly images: number
  readonly work?: number | undefined
}

export interface DumpWishes extends Wishes {
  readonly leaveRunning: boolean
  readonly preDump: boolean
  readonly tcpSkipInFlight: boolean
  readonly linkRemap: boolean
  /** From the image directory on. */
  readonly parentPath?: string
  readonly pageServer?: { readonly address: string; readonly port: number }
}

export interface DumpFacts {
  readonly spec: Spec
  readonly pid: number
  readonly rootfs: string
  readonly directories: Directories
  /** Mounts of the container, each with its name in the image. */
  readonly externalMounts: readonly Named[]
  /** Namespaces and files that are not the container's own, as criu writes them. */
  readonly external: readonly string[]
  /** Directory of the cgroup that stops all of its processes at once. */
  readonly freezer?: string | undefined
}

export const logFiles = { dump: 'dump.log', restore: 'restore.log' } as const

/** Every line that says why. */
const LOG_LEVEL = 4

function shared(wishes: Wishes, { images, work }: Directories, spec: Spec): Omit<CriuOptions, 'logFile'> {
  return {
    imagesFd: images,
    ...(work === undefined ? {} : { workFd: work }),
    logLevel: LOG_LEVEL,
    notifies: true,
    orphanTerminals: true,
    managesCgroups: true,
    cgroupMode: wishes.cgroupMode,
    // What is in a network namespace is the network set-up's, which engines do anew: criu would need ip and iptables.
    emptyNamespaces: CLONE_NEWNET,
    tcpEstablished: wishes.tcpEstablished,
    extUnixSockets: wishes.extUnixSockets,
    shellJob: wishes.shellJob,
    fileLocks: wishes.fileLocks,
    autoDedup: wishes.autoDedup,
    lazyPages: wishes.lazyPages,
    ...(wishes.networkLock === undefined ? {} : { networkLock: wishes.networkLock }),
    ...configFile(spec),
  }
}

/** criu.conf(5) beats what we ask. runc's name for the file of all containers; an annotation names another, or none. */
function configFile({ annotations = {} }: Spec): { configFile?: string } {
  const named = annotations['org.criu.config']
  if (named === '') return {}
  return { configFile: named ?? '/etc/criu/runc.conf' }
}

export function dumpOptions(wishes: DumpWishes, facts: DumpFacts): CriuOptions {
  const { spec, directories, externalMounts, external, freezer } = facts
  return {
    ...shared(wishes, directories, spec),
    logFile: logFiles.dump,
    pid: facts.pid,
    root: facts.rootfs,
    leaveRunning: wishes.leaveRunning,
    tcpSkipInFlight: wishes.tcpSkipInFlight,
    linkRemap: wishes.linkRemap,
    external,
    ...(wishes.preDump ? {} : { externalMounts }),
    ...(freezer === undefined ? {} : { freezeCgroup: freezer }),
    ...(wishes.pageServer ? { pageServer: wishes.pageServer } : {}),
    ...(wishes.parentPath === undefined ? {} : { parentImage: wishes.parentPath, trackMemory: true }),
  }
}

export interface RestoreWishes extends Wishes {
  readonly tcpClose: boolean
  readonly lsmProfile?: string
  readonly lsmMountContext?: string
}

/** Does criu set everything that the cgroup of the old life had? */
export const setsAll = ({ cgroupMode }: Wishes): boolean =>
  cgroupMode === cgroupModes.full || cgroupMode === cgroupModes.strict

export interface RestoreFacts {
  readonly spec: Spec
  /** A mount point. */
  readonly rootfs: string
  readonly directories: Directories
  /** Names that the image may hold, with their places here. */
  readonly externalMounts: readonly Named[]
  /** The cgroup of every tree, as criu's own process shows them. */
  readonly cgroupRoots: CriuOptions['cgroupRoots']
  /** Names of the image for descriptors that criu has open. */
  readonly inherited: NonNullable<CriuOptions['inherited']>
}

export function restoreOptions(wishes: RestoreWishes, facts: RestoreFacts): CriuOptions {
  const { spec, directories, externalMounts, cgroupRoots, inherited } = facts
  return {
    ...shared(wishes, directories, spec),
    // criu would look for the terminal at its stdin, which it has put away for us by then.
    shellJob: wishes.shellJob && !inherited.some(({ key }) => key.startsWith('tty[')),
    // The cgroup is ours to make, and is there by now: that it was not is looked at before.
    cgroupMode: setsAll(wishes) ? cgroupModes.full : wishes.cgroupMode,
    logFile: logFiles.restore,
    root: facts.rootfs,
    // The first process becomes our child and not criu's.
    restoresSibling: true,
    evasiveDevices: true,
    tcpClose: wishes.tcpClose,
    externalMounts,
    ...(cgroupRoots ? { cgroupRoots } : {}),
    inherited,
    joined: joinedNamespaces(spec),
    ...(wishes.lsmProfile === undefined ? {} : { lsmProfile: wishes.lsmProfile }),
    ...(wishes.lsmMountContext === undefined ? {} : { lsmMountContext: wishes.lsmMountContext }),
  }
}

const criuNames = { ipc: 'ipc', uts: 'uts', user: 'user', mount: 'mnt', time: 'time' } as const

/** Those that criu enters by itself; network and pid come as descriptors. */
function joinedNamespaces(spec: Spec): { type: string; path: string }[] {
  return (spec.linux?.namespaces ?? []).flatMap(({ type, path = '' }) =>
    path !== '' && type in criuNames ? [{ type: criuNames[type as keyof typeof criuNames], path }] : [],
  )
}

/** Names and paths of the namespaces that criu is handed open, in the order of their descriptors. */
export function handedNamespaces(spec: Spec): { key: string; type: 'network' | 'pid'; path: string; origin: string }[] {
  const namespaces = spec.linux?.namespaces ?? []
  return joinedOutside(spec).map((type) => {
    const index = namespaces.findIndex((namespace) => namespace.type === type)
    const path = namespaces[index]?.path ?? ''
    return { key: namespaceNames[type], type, path, origin: `/linux/namespaces/${index}/path` }
  })
}
