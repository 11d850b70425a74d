/** /dev and /proc of a sandbox: its own, with only what every program may have. */
import { MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_RDONLY } from '../kernel/constants.ts'
import type { Op } from '../kernel/plan.ts'
import { bindHeld, type Slots, tmpfs } from './mount-ops.ts'
import type { Policy } from './policy.ts'

export const deviceNames = ['null', 'zero', 'full', 'random', 'urandom', 'tty']

/** The host's nodes, kept from before /dev is covered. */
export function holdDevices(slots: Slots): { name: string; slot: number }[] {
  return deviceNames.map((name) => ({ name, slot: slots.hold(`/dev/${name}`, 'sandbox') }))
}

/** `size`: an option of tmpfs, or empty. */
export function deviceOps(devices: readonly { name: string; slot: number }[], size: string): Op[] {
  const origin = 'sandbox'
  const links = {
    fd: '/proc/self/fd',
    stdin: '/proc/self/fd/0',
    stdout: '/proc/self/fd/1',
    stderr: '/proc/self/fd/2',
    ptmx: 'pts/ptmx',
  }
  return [
    {
      op: 'mount',
      fstype: 'tmpfs',
      source: 'usnea',
      target: '/dev',
      flags: MS_NOSUID,
      data: `mode=0755${size}`,
      nofollow: 0,
      origin,
    },
    ...devices.map(({ name, slot }) => bindHeld({ target: `/dev/${name}`, slot, origin }, true)),
    {
      op: 'mount',
      fstype: 'devpts',
      source: 'devpts',
      target: '/dev/pts',
      flags: MS_NOSUID | MS_NOEXEC,
      data: 'newinstance,ptmxmode=0666,mode=0620',
      nofollow: 0,
      origin,
    },
    tmpfs('/dev/shm', `mode=1777${size}`, origin),
    ...Object.entries(links).map(([name, text]): Op => ({ op: 'symlink', text, path: `/dev/${name}`, origin })),
  ]
}

/** What of proc tells or does too much to the real root's id, which needs no capability for it. As runtimes mask it. */
const rootOnly = [
  'kcore',
  'keys',
  'vmallocinfo',
  'slabinfo',
  'pagetypeinfo',
  'timer_list',
  'sched_debug',
  'latency_stats',
  'acpi',
  'scsi',
]

/** Written to by the real root's id too; one read-only /proc covers them, but there no user namespace could be set up. */
const rootWritable = ['sys', 'sysrq-trigger', 'irq', 'bus', 'fs', 'mtrr', 'pressure']

export function procOps({ freshProc, host, options: { nested } }: Policy): Op[] {
  if (!freshProc) return []
  const isRoot = host.uid === 0
  const origin = 'sandbox'
  const flags = MS_NOSUID | MS_NODEV | MS_NOEXEC | (isRoot && !nested ? MS_RDONLY : 0)
  const path = (name: string) => `/proc/${name}`
  return [
    { op: 'mount', fstype: 'proc', source: 'proc', target: '/proc', flags, data: '', nofollow: 1, origin },
    ...(isRoot && nested ? rootWritable : []).map((name): Op => ({ op: 'readonly', path: path(name), origin })),
    ...(isRoot ? rootOnly : []).map((name): Op => ({ op: 'mask', path: path(name), required: 0, origin })),
  ]
}
