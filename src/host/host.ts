/** `readHost()`: every fact of the machine that decides what a plan may hold, in one frozen record. */
import { existsSync } from 'node:fs'
import { release } from 'node:os'
import { hostId } from '../base/ids.ts'
import { readCgroup } from './cgroup.ts'
import { isChrooted } from './chroot.ts'
import type { Host } from './facts.ts'
import { readNumber, readText } from './file.ts'
import { readLimits } from './limits.ts'
import { readLsm } from './lsm.ts'
import { readMounts } from './mountinfo.ts'
import { findHelper, findProgram } from './program.ts'
import { lazyRecord, once } from './record.ts'
import { findResctrl } from './resctrl.ts'
import { decideRootless } from './rootless.ts'
import { chooseHome, hasUserManager, ownsSystemManager, readAccount } from './session.ts'
import { readStatus, type Status } from './status.ts'
import { readSubIds } from './subid.ts'
import { readUserNamespace, type UserNamespace } from './userns.ts'
import { isFullyVisible } from './visible.ts'

export { parseRootless } from './rootless.ts'

export interface ReadHostOptions {
  /** `--rootless`: overrides the guess whether cgroup failures are tolerated. */
  readonly rootless?: 'auto' | boolean
  /** `--systemd-cgroup`. */
  readonly systemdCgroup?: boolean
  readonly env?: NodeJS.ProcessEnv
  /** Other places than /proc, /sys and /etc: for tests. */
  readonly proc?: string
  readonly sys?: string
  readonly etc?: string
}

/** Where facts come from, and the two small files that nearly every question needs. */
interface Sources {
  readonly proc: string
  readonly sys: string
  readonly etc: string
  readonly env: Host['env']
  readonly status: Status
  readonly userns: UserNamespace
}

/**
 * Reads who we are at once and everything else when it is first asked for: subordinate ids cost a process, and `kill`
 * needs none of them. Never throws: what the kernel does not show is absent.
 */
export function readHost(options: ReadHostOptions = {}): Host {
  const { proc = '/proc', sys = '/sys', etc = '/etc' } = options
  const { USNEA_FDS: inherited = '', USNEA_NOFILE: openFiles = '', ...rest } = options.env ?? process.env
  const env = Object.freeze(rest)
  const sources: Sources = { proc, sys, etc, env, status: readStatus(proc), userns: readUserNamespace(proc) }
  const cwd = currentDirectory()
  return lazyRecord<Host>({
    ...identity(sources),
    ...namespaces(sources, options),
    ...privileges(sources),
    ...refusals(sources),
    ...surroundings(sources),
    env: () => env,
    cwd: () => cwd,
    callerOpenFiles: () => (/^\d+$/.test(openFiles) ? BigInt(openFiles) : undefined),
    inheritedFds: () =>
      inherited
        .split(' ')
        .filter((fd) => fd !== '')
        .map(Number),
  })
}

function identity({ proc, etc, env, status }: Sources) {
  const account = once(readAccount)
  return {
    kernel: once(readKernel),
    arch: () => (process.arch === 'x64' || process.arch === 'arm64' ? process.arch : 'other'),
    bootId: () => readText(`${proc}/sys/kernel/random/boot_id`)?.trim() ?? '',
    uid: () => hostId(status.uid),
    gid: () => hostId(status.gid),
    groups: () => status.groups,
    userName: () => account().name,
    home: once(() => chooseHome(env.HOME, account().home)),
    accountHome: () => account().home,
    subIds: () => readSubIds({ userName: account().name, uid: status.uid, env, etc }),
    newuidmap: () => findHelper('newuidmap', env),
    newgidmap: () => findHelper('newgidmap', env),
  } as const
}

function namespaces({ proc, env, status, userns }: Sources, options: ReadHostOptions) {
  const answer = decideRootless({
    uid: status.uid,
    inUserNamespace: userns.inside,
    flag: options.rootless ?? 'auto',
    systemdCgroup: options.systemdCgroup ?? false,
    ownsUserManager: () =>
      userns.uidMap.some((range) => range.inner === 0 && range.outer !== 0) && hasUserManager(env, status.uid),
  })
  return {
    uidMap: () => userns.uidMap,
    gidMap: () => userns.gidMap,
    setgroups: () => userns.setgroups,
    inUserNamespace: () => userns.inside,
    realRoot: () => answer.realRoot,
    rootlessEuid: () => answer.rootlessEuid,
    rootlessCgroups: () => answer.rootlessCgroups,
    hasUserNamespaces: () => existsSync(`${proc}/self/ns/user`),
    hasTimeNamespaces: () => existsSync(`${proc}/self/ns/time`),
    hasCgroupNamespaces: () => existsSync(`${proc}/self/ns/cgroup`),
  } as const
}

function privileges({ proc, status }: Sources) {
  return {
    noNewPrivs: () => status.noNewPrivs,
    seccomp: () => status.seccomp,
    capEffective: () => status.capEffective,
    capBounding: () => status.capBounding,
    // 40 is CAP_CHECKPOINT_RESTORE, the last one since 5.9.
    lastCap: () => readNumber(`${proc}/sys/kernel/cap_last_cap`) ?? 40,
    rlimits: () => readLimits(proc),
    oomScoreAdj: () => readNumber(`${proc}/self/oom_score_adj`) ?? 0,
  } as const
}

function refusals({ proc, sys }: Sources) {
  return {
    maxUserNamespaces: () => readNumber(`${proc}/sys/user/max_user_namespaces`),
    unprivilegedUsernsClone: () => {
      const value = readNumber(`${proc}/sys/kernel/unprivileged_userns_clone`)
      return value === undefined ? undefined : value !== 0
    },
    apparmorRestrictsUserns: () => readNumber(`${proc}/sys/kernel/apparmor_restrict_unprivileged_userns`) === 1,
    lsm: () => readLsm(proc, sys),
    legacyTiocsti: () => readNumber(`${proc}/sys/dev/tty/legacy_tiocsti`) !== 0,
    ptraceScope: () => readNumber(`${proc}/sys/kernel/yama/ptrace_scope`) ?? 0,
  } as const
}

function surroundings({ proc, env, status }: Sources) {
  const mounts = once(() => readMounts(proc))
  return {
    mounts,
    chrooted: () => isChrooted(mounts(), () => readText(`${proc}/1/mountinfo`)),
    freshProc: () => isFullyVisible(mounts(), 'proc'),
    freshSysfs: () => isFullyVisible(mounts(), 'sysfs'),
    resctrl: () => findResctrl(mounts()),
    cgroup: () => readCgroup({ mounts: mounts(), membership: readText(`${proc}/self/cgroup`) ?? '' }),
    fuseOverlayfs: once(() => findProgram('fuse-overlayfs', env)),
    hasSystemd: () => existsSync('/run/systemd/system'),
    ownsSystemManager: () => status.uid === 0 && ownsSystemManager(),
  } as const
}

function readKernel(): Host['kernel'] {
  const text = release()
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(text) ?? []
  return Object.freeze({ release: text, major: Number(major ?? 0), minor: Number(minor ?? 0) })
}

/** Empty when our directory was removed: only a relative path has to fail for that, when it is resolved. */
function currentDirectory(): string {
  try {
    return process.cwd()
  } catch {
    return ''
  }
}
