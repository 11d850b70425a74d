/** The configuration that `usnea spec` writes: a shell on a terminal in a read-only root, with what a Linux program expects around it. */

import type { NamespaceType } from './names.ts'
import type { Resources } from './resources.ts'
import { SPEC_VERSION } from './rules/version.ts'
import type { Capabilities, Linux, Mount, Namespace, Spec } from './types.ts'

export interface TemplateOptions {
  /** For a user without privileges: own user namespace with one id, the host's network and /sys. */
  readonly rootless: boolean
  /** Our own ids in the namespace we run in; used when rootless. */
  readonly uid: number
  readonly gid: number
  /** With cgroup v1 there is none, as with runc: tools add one, and twice is an error. Default: true. */
  readonly cgroupNamespace?: boolean
}

/** A complete configuration; the root file system is expected in `rootfs` beside it. */
export function template(options: TemplateOptions): Spec {
  return {
    ociVersion: SPEC_VERSION,
    process: {
      terminal: true,
      user: { uid: 0, gid: 0 },
      args: ['sh'],
      env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'TERM=xterm'],
      cwd: '/',
      capabilities: capabilities(),
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: 'rootfs', readonly: true },
    hostname: 'usnea',
    mounts: mounts(options.rootless),
    linux: linux(options),
  }
}

/** As `usnea spec` writes it: indented by tabs, with a newline at the end. */
export function renderTemplate(options: TemplateOptions): string {
  return `${JSON.stringify(template(options), null, '\t')}\n`
}

function capabilities(): Capabilities {
  const names = ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE']
  return { bounding: names, effective: names, permitted: names }
}

function mounts(rootless: boolean): Mount[] {
  const quiet = ['nosuid', 'noexec', 'nodev']
  // Group 5 (tty) is not in a map of one id, and devpts refuses an unmapped one with EINVAL.
  const tty = rootless ? [] : ['gid=5']
  return [
    { destination: '/proc', type: 'proc', source: 'proc' },
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
    },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', ...tty],
    },
    { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: [...quiet, 'mode=1777', 'size=65536k'] },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: quiet },
    rootless ? boundSys() : { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...quiet, 'ro'] },
    { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [...quiet, 'relatime', 'ro'] },
  ]
}

/** A fresh sysfs needs an own network namespace. `rro`, because `ro` would leave what is mounted below /sys writable. */
function boundSys(): Mount {
  return { destination: '/sys', type: 'none', source: '/sys', options: ['rbind', 'nosuid', 'noexec', 'nodev', 'rro'] }
}

/** No device but those that every container has; also the place where tools such as jq look for limits to change. */
function noDevices(): Resources {
  return { devices: [{ allow: false, access: 'rwm' }] }
}

function linux({ rootless, uid, gid, cgroupNamespace = true }: TemplateOptions): Linux {
  const cgroup = cgroupNamespace ? (['cgroup'] as const) : []
  const own: NamespaceType[] = ['pid', 'ipc', 'uts', 'mount', ...cgroup, rootless ? 'user' : 'network']
  const namespaces = own.map((type): Namespace => ({ type }))
  const oneId = (hostID: number) => [{ containerID: 0, hostID, size: 1 }]
  return {
    namespaces,
    ...(rootless ? { uidMappings: oneId(uid), gidMappings: oneId(gid) } : { resources: noDevices() }),
    maskedPaths: [
      '/proc/acpi',
      '/proc/asound',
      '/proc/kcore',
      '/proc/keys',
      '/proc/latency_stats',
      '/proc/timer_list',
      '/proc/timer_stats',
      '/proc/sched_debug',
      '/proc/scsi',
      '/sys/firmware',
    ],
    readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
  }
}
