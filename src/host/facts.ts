/** The facts of this machine that decide what a plan may hold. `readHost()` fills it; tests write it as a literal. */
import type { HostId } from '../base/ids.ts'

/** A range of ids: `inner` first id inside, `outer` first id in the parent namespace, `size` how many. */
export interface IdRange {
  readonly inner: number
  readonly outer: number
  readonly size: number
}

/** A free range we may hand to a child namespace, in the ids of the namespace we run in. */
export interface SubIdRange {
  readonly start: number
  readonly size: number
}

export interface SubIds {
  readonly uids: readonly SubIdRange[]
  readonly gids: readonly SubIdRange[]
  /** Which source answered: `getsubids`, `files` or `none`. */
  readonly source: 'getsubids' | 'files' | 'none'
  /** Every user's ranges in /etc/subuid and /etc/subgid, so that a range we propose is a free one. */
  readonly taken?: readonly SubIdRange[]
  /** Those of other users. */
  readonly others?: readonly SubIdRange[]
}

export interface Mount {
  readonly id: number
  readonly parent: number
  /** Major and minor number of the file system, `8:1`. */
  readonly device: string
  /** Path inside the file system that is the root of this mount. */
  readonly root: string
  /** Where it is mounted, as we see it. */
  readonly target: string
  readonly options: readonly string[]
  readonly fstype: string
  readonly source: string
  readonly superOptions: readonly string[]
}

/** One cgroup tree: a v1 hierarchy, or the unified one. */
export interface CgroupHierarchy {
  readonly version: 1 | 2
  /** v1: what it was mounted for, controllers or `name=…`. Empty for v2, where each cgroup lists its own. */
  readonly controllers: readonly string[]
  /** Mount point. */
  readonly target: string
  /** Our own cgroup, from the mount point on; undefined where it does not lie below. */
  readonly ownPath: string | undefined
}

/** The resource control file system: classes of service for caches and memory bandwidth. */
export interface Resctrl {
  /** Where it is mounted. */
  readonly root: string
  /** Names of `info/` that have classes: `L3`, or `L3CODE` and `L3DATA`; `L2`, `MB`, … */
  readonly allocates: readonly string[]
  /** What is counted for a group: `llc_occupancy`, `mbm_total_bytes`, … */
  readonly monitors: readonly string[]
}

export interface Host {
  /** `X.Y` of uname -r as numbers. */
  readonly kernel: { readonly release: string; readonly major: number; readonly minor: number }
  readonly arch: 'x64' | 'arm64' | 'other'
  readonly bootId: string
  readonly uid: HostId
  readonly gid: HostId
  /** Supplementary groups of our process. */
  readonly groups: readonly number[]
  /** Login name from the user database, if there is an entry. */
  readonly userName: string | undefined
  /** $HOME where that is a directory, as for every shell; else that of the user database. */
  readonly home: string | undefined
  /** That of the user database, where it may be another one. */
  readonly accountHome?: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** Descriptors that the caller passed on, as bin/usnea listed them before Node marked all as its own; else none. */
  readonly inheritedFds: readonly number[]

  /** Our own maps (`inner` = as we see it); a single full-range identity entry in the initial namespace. */
  readonly uidMap: readonly IdRange[]
  readonly gidMap: readonly IdRange[]
  readonly setgroups: 'allow' | 'deny'
  /** Are we in a user namespace that is not the initial one? user_namespaces(7). */
  readonly inUserNamespace: boolean
  /** Effective uid 0 in the initial user namespace. */
  readonly realRoot: boolean
  /** Effective uid is not 0 in our own user namespace. */
  readonly rootlessEuid: boolean
  /** cgroup writes may fail and that is tolerated. */
  readonly rootlessCgroups: boolean

  readonly noNewPrivs: boolean
  /** Seccomp mode of our process: 0 none, 1 strict, 2 filter. */
  readonly seccomp: number
  readonly capEffective: bigint
  readonly capBounding: bigint
  /** Highest capability the kernel knows. */
  readonly lastCap: number

  /** Can this kernel make a user namespace at all (/proc/self/ns/user)? */
  readonly hasUserNamespaces: boolean
  readonly hasTimeNamespaces: boolean
  readonly hasCgroupNamespaces: boolean
  /** Values of the sysctls that refuse user namespaces; undefined when the kernel has no such knob. */
  readonly maxUserNamespaces: number | undefined
  readonly unprivilegedUsernsClone: boolean | undefined
  readonly apparmorRestrictsUserns: boolean
  readonly lsm: {
    readonly apparmor: boolean
    readonly selinux: boolean
    readonly selinuxEnforcing: boolean
    readonly landlock: boolean
    /** Our own AppArmor or SELinux label. */
    readonly label: string | undefined
  }
  /** Is our `/` the root of our mount namespace (false inside a chroot)? */
  readonly chrooted: boolean

  readonly mounts: readonly Mount[]
  /** Would the kernel allow a fresh proc (sysfs) mount in a child user namespace: is one fully visible? */
  readonly freshProc: boolean
  readonly freshSysfs: boolean
  readonly cgroup: {
    readonly layout: 'v1' | 'v2' | 'hybrid' | 'none'
    /** Mount point of the cgroup2 tree, if any. */
    readonly unified: string | undefined
    /** Our own path in the cgroup2 tree. */
    readonly ownPath: string | undefined
    readonly writable: boolean
    /** Every tree that a container's process is placed in; on v2 just that one. */
    readonly hierarchies: readonly CgroupHierarchy[]
  }
  /** Undefined when none is mounted. */
  readonly resctrl: Resctrl | undefined
  /** Absolute path of the program that serves an overlay where the kernel refuses one; undefined where there is none. */
  readonly fuseOverlayfs: string | undefined
  /** Was this system booted with systemd? sd_booted(3) */
  readonly hasSystemd: boolean
  /** Is the system's manager ours to command, also as root of the user namespace that it runs in? */
  readonly ownsSystemManager: boolean

  readonly subIds: SubIds
  /** Absolute paths of the id map helpers, undefined when not installed. */
  readonly newuidmap: string | undefined
  readonly newgidmap: string | undefined
  readonly rlimits: Readonly<Record<string, { readonly soft: bigint; readonly hard: bigint }>>
  /**
   * Soft RLIMIT_NOFILE that bin/usnea was called with: Node raises its own to the hard limit when it starts. Undefined
   * when it was unlimited, or when somebody else started us.
   */
  readonly callerOpenFiles: bigint | undefined
  /** /proc/self/oom_score_adj. */
  readonly oomScoreAdj: number
  /** dev.tty.legacy_tiocsti; true when unknown (kernels before 6.2 always allow TIOCSTI). */
  readonly legacyTiocsti: boolean
  /** kernel.yama.ptrace_scope: from 1 on only ancestors and the privileged look into a process. 0 without Yama. */
  readonly ptraceScope: number
}

/** 2^64-1: RLIM_INFINITY of getrlimit(2). */
export const RLIM_INFINITY = 0xffff_ffff_ffff_ffffn
