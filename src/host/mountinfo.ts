/** /proc/self/mountinfo: proc_pid_mountinfo(5). */
import type { Mount } from './facts.ts'
import { readText } from './file.ts'

export function readMounts(proc: string, pid: number | 'self' = 'self'): Mount[] {
  return parseMountinfo(readText(`${proc}/${pid}/mountinfo`) ?? '')
}

/** What one mount shows: a place in a file system, whatever it is called here or elsewhere. */
export interface Shown {
  readonly device: string
  readonly path: string
}

/** The place that a path leads to; `path` is absolute, clean and without links. */
export function shownAt(mounts: readonly Mount[], path: string): Shown | undefined {
  const mount = mountOf(mounts, path)
  if (mount === undefined) return undefined
  const below = mount.target === '/' ? path : path.slice(mount.target.length)
  return { device: mount.device, path: `${mount.root === '/' ? '' : mount.root}${below}` || '/' }
}

/** Lines that do not look as documented are passed over. */
export function parseMountinfo(text: string): Mount[] {
  const mounts: Mount[] = []
  for (const line of text.split('\n')) {
    const mount = parseLine(line)
    if (mount !== undefined) mounts.push(mount)
  }
  return mounts
}

function parseLine(line: string): Mount | undefined {
  // Optional fields end at a lone hyphen. The paths before it cannot hold a space: the kernel writes \040.
  const hyphen = line.indexOf(' - ')
  if (hyphen < 0) return undefined
  const [id, parent, device = '', root, target, options] = line.slice(0, hyphen).split(' ')
  const [fstype, source, superOptions] = line.slice(hyphen + 3).split(' ')
  if (root === undefined || target === undefined || options === undefined || fstype === undefined) return undefined
  return {
    id: Number(id),
    parent: Number(parent),
    device,
    root: plain(root),
    target: plain(target),
    options: options.split(','),
    fstype,
    source: plain(source ?? ''),
    superOptions: (superOptions ?? '').split(','),
  }
}

/** Text of the kernel: space, tab, newline, backslash and # come as three octal digits. */
export function plain(text: string): string {
  if (!text.includes('\\')) return text
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}

/** Does `path` lie at or below `top`? Both absolute and clean. */
export function isWithin(path: string, top: string): boolean {
  return top === '/' || path === top || path.startsWith(`${top}/`)
}

/** The mount that holds `path`: the longest target above it; of equal ones the last was mounted on top. */
export function mountOf(mounts: readonly Mount[], path: string): Mount | undefined {
  let best: Mount | undefined
  for (const mount of mounts) {
    if (isWithin(path, mount.target) && (best === undefined || mount.target.length >= best.target.length)) best = mount
  }
  return best
}

/** Is the mount out of sight: covered on its own root, or hidden together with the place it is mounted on? */
export function isCovered(mounts: readonly Mount[], mount: Mount): boolean {
  return mounts.some((other) => isOn(other, mount) && other.target === mount.target) || isHidden(mounts, mount)
}

/** Also where /proc is made up, and mounts lie on each other in a circle. */
function isHidden(mounts: readonly Mount[], mount: Mount): boolean {
  const seen = new Set<Mount>()
  for (let at: Mount | undefined = mount; at !== undefined && !seen.has(at); ) {
    const current: Mount = at
    // A later mount above our mount point is a sibling: had it been there first, it would be our parent.
    if (mounts.some((other) => other.parent === current.parent && isAbove(other, current))) return true
    seen.add(current)
    at = mounts.find((other) => isOn(current, other))
  }
  return false
}

/** The root of everything is its own parent. */
const isOn = (child: Mount, parent: Mount): boolean => child.parent === parent.id && child.id !== parent.id

const isAbove = (other: Mount, mount: Mount): boolean =>
  other.id !== other.parent && other.target !== mount.target && isWithin(mount.target, other.target)
