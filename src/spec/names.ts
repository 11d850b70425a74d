/** Closed lists of names that config.json may use. The kernel's numbers for them are in `kernel/constants.ts`. */

export const namespaceTypes = ['cgroup', 'ipc', 'mount', 'network', 'pid', 'time', 'user', 'uts'] as const
export type NamespaceType = (typeof namespaceTypes)[number]

/** In the order in which they run. */
export const hookNames = [
  'prestart',
  'createRuntime',
  'createContainer',
  'startContainer',
  'poststart',
  'poststop',
] as const
export type HookName = (typeof hookNames)[number]

/** What may be had in a weaker form, or not at all, where the caller says so: `--allow-missing`. */
export const dispensables = ['apparmor', 'selinux', 'atime'] as const
export type Dispensable = (typeof dispensables)[number]
export type MayMiss = ReadonlySet<Dispensable>

/** In the kernel's order: the place in this list is the number (asm-generic/resource.h). */
export const rlimitNames = [
  'RLIMIT_CPU',
  'RLIMIT_FSIZE',
  'RLIMIT_DATA',
  'RLIMIT_STACK',
  'RLIMIT_CORE',
  'RLIMIT_RSS',
  'RLIMIT_NPROC',
  'RLIMIT_NOFILE',
  'RLIMIT_MEMLOCK',
  'RLIMIT_AS',
  'RLIMIT_LOCKS',
  'RLIMIT_SIGPENDING',
  'RLIMIT_MSGQUEUE',
  'RLIMIT_NICE',
  'RLIMIT_RTPRIO',
  'RLIMIT_RTTIME',
] as const

export type RlimitName = (typeof rlimitNames)[number]

/** In the kernel's order: the place in this list is the number (linux/capability.h, up to Linux 5.9). */
export const capabilityNames = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_DAC_READ_SEARCH',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_LINUX_IMMUTABLE',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_BROADCAST',
  'CAP_NET_ADMIN',
  'CAP_NET_RAW',
  'CAP_IPC_LOCK',
  'CAP_IPC_OWNER',
  'CAP_SYS_MODULE',
  'CAP_SYS_RAWIO',
  'CAP_SYS_CHROOT',
  'CAP_SYS_PTRACE',
  'CAP_SYS_PACCT',
  'CAP_SYS_ADMIN',
  'CAP_SYS_BOOT',
  'CAP_SYS_NICE',
  'CAP_SYS_RESOURCE',
  'CAP_SYS_TIME',
  'CAP_SYS_TTY_CONFIG',
  'CAP_MKNOD',
  'CAP_LEASE',
  'CAP_AUDIT_WRITE',
  'CAP_AUDIT_CONTROL',
  'CAP_SETFCAP',
  'CAP_MAC_OVERRIDE',
  'CAP_MAC_ADMIN',
  'CAP_SYSLOG',
  'CAP_WAKE_ALARM',
  'CAP_BLOCK_SUSPEND',
  'CAP_AUDIT_READ',
  'CAP_PERFMON',
  'CAP_BPF',
  'CAP_CHECKPOINT_RESTORE',
] as const

export type CapabilityName = (typeof capabilityNames)[number]

/** Modes and flags of set_mempolicy(2), sorted. Their numbers are in `kernel/scheduling.ts`. */
export const memoryModeNames = [
  'MPOL_BIND',
  'MPOL_DEFAULT',
  'MPOL_INTERLEAVE',
  'MPOL_LOCAL',
  'MPOL_PREFERRED',
  'MPOL_PREFERRED_MANY',
  'MPOL_WEIGHTED_INTERLEAVE',
] as const

export const memoryFlagNames = ['MPOL_F_NUMA_BALANCING', 'MPOL_F_RELATIVE_NODES', 'MPOL_F_STATIC_NODES'] as const

/**
 * Mount options that ask the runtime, not the kernel, for something. `idmap` and `ridmap` may carry `=uids=…;gids=…`.
 * The last three are crun's: dropped silently they would follow a link that the caller forbade.
 */
export const mountExtensions = [
  'tmpcopyup',
  'idmap',
  'ridmap',
  'copy-symlink',
  'src-nofollow',
  'dest-nofollow',
] as const

export type MountExtension = (typeof mountExtensions)[number]

/** The extension that a mount option asks for, or undefined when it is none. */
export function mountExtension(option: string): MountExtension | undefined {
  const name = /^r?idmap=/.test(option) ? option.slice(0, option.indexOf('=')) : option
  return mountExtensions.find((extension) => extension === name)
}

/** The annotation that asks for a stand-in where there is no cgroup: `watchdog`. */
export const ENFORCE = 'org.usnea.enforce'

/** An annotation of crun's; the value is `1`. */
export const KEEP_GROUPS = 'run.oci.keep_original_groups'
