/** What an errno means when a file or directory of a cgroup is written, and what helps. Pure. */

export interface Refusal {
  readonly why?: string
  readonly fix?: string
}

const withoutOne = 'go on without a cgroup: --cgroup-manager disabled'

const refusals: Readonly<Record<string, Refusal>> = {
  EROFS: {
    why: 'the cgroup file system is mounted read-only here',
    fix: `mount it writable (mount -o remount,rw), or ${withoutOne}`,
  },
  EACCES: {
    why: 'it may not be written from here, or a cgroup above does not allow it',
    fix: `have the controller handed to you (Delegate= of a unit, or --systemd-cgroup in a login session), or ${withoutOne}`,
  },
  EBUSY: {
    why: 'what it would change is in use; on v2 also by processes in a cgroup above',
    fix: 'end or move what uses it, or name another cgroupsPath',
  },
  ENOSPC: {
    why: 'the kernel has no room for it, or a cgroup above has used up what it may have',
    fix: 'remove cgroups that are not used any more, or name another cgroupsPath',
  },
  EINVAL: {
    why: 'the kernel does not take this value; a cgroup above may allow less',
    fix: 'correct the value, or allow more in the cgroup above',
  },
  ENODEV: {
    why: 'there is no such device, or no scheduler of it that could do this',
    fix: 'correct the device numbers',
  },
}

/** @param controller where it tells more: cpuset and memory have reasons of their own */
export function refusalOf(errno: string | undefined, controller?: string): Refusal {
  if (errno === 'ENOSPC' && controller === 'cpuset')
    return {
      why: 'processes are in it, or in one below, and must keep a CPU and a memory node',
      fix: 'name CPUs and memory nodes that the cgroup above has too',
    }
  if (errno === 'EBUSY' && controller === 'memory')
    return {
      why: 'more is in use than the limit allows, and the kernel could not free enough',
      fix: 'give it more, or end what uses the memory',
    }
  return refusals[errno === 'EPERM' ? 'EACCES' : (errno ?? '')] ?? {}
}
