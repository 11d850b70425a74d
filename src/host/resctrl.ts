/** What the kernel's resource control file system offers: "resctrl" of Documentation/filesystems/resctrl.rst, Linux 4.10. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Mount, Resctrl } from './facts.ts'
import { readText } from './file.ts'
import { isCovered } from './mountinfo.ts'

/** The first one that can be seen, wherever it is mounted; `mount -t resctrl` can be called for any directory. */
export function findResctrl(mounts: readonly Mount[]): Resctrl | undefined {
  const found = mounts.find((mount) => mount.fstype === 'resctrl' && mount.root === '/' && !isCovered(mounts, mount))
  return found === undefined ? undefined : readResctrl(found.target)
}

/** `root` is where it is mounted. */
export function readResctrl(root: string): Resctrl {
  const info = join(root, 'info')
  const names = namesIn(info)
  return Object.freeze({
    root,
    allocates: names.filter((name) => existsSync(join(info, name, 'num_closids'))),
    monitors: names.flatMap((name) => lines(readText(join(info, name, 'mon_features')))),
  })
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return [] // not shown to us
  }
}

const lines = (text = ''): string[] => text.split('\n').filter((line) => line !== '')
