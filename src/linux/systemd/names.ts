/** Names of systemd units: systemd.unit(5), and how they become directories. Pure. */

export const DEFAULT_PREFIX = 'usnea'

const LONGEST = 255

/** What `cgroupsPath` says to systemd. */
export interface UnitPlace {
  /** Undefined: the manager's default. */
  readonly slice: string | undefined
  readonly unit: string
}

/** The reason why a path is none, or where the unit is to be. Without a path it is `usnea-ID.scope`. */
export function unitPlace(cgroupsPath: string | undefined, id: string): UnitPlace | { readonly wrong: string } {
  const [slice = '', prefix = '', name = '', ...more] = (cgroupsPath || `:${DEFAULT_PREFIX}:${id}`).split(':')
  if (name === '' || more.length > 0 || (cgroupsPath ?? '').includes('/'))
    return {
      wrong: `expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got ${JSON.stringify(cgroupsPath)} instead`,
    }
  if (slice !== '' && slicePath(slice) === undefined) return { wrong: `invalid slice name: ${slice}` }
  if (name.endsWith('.slice')) return { wrong: `${name} is a slice, and a slice takes no processes` }
  const whole = prefix === '' ? name : `${prefix}-${name}`
  const unit = `${escapeName(whole.replace(/\.scope$/, ''))}.scope`
  if (unit.length > LONGEST) return { wrong: `the unit name ${unit} is longer than ${LONGEST} characters` }
  return { slice: slice === '' ? undefined : slice, unit }
}

/** Characters that no unit name has become `\xNN`, as systemd-escape(1) writes them. A name does not begin with a dot. */
export function escapeName(name: string): string {
  const hex = (byte: number) => `\\x${byte.toString(16).padStart(2, '0')}`
  return [...Buffer.from(name)]
    .map((byte, i) => {
      const letter = String.fromCharCode(byte)
      return /[A-Za-z0-9:_@-]/.test(letter) || (letter === '.' && i > 0) ? letter : hex(byte)
    })
    .join('')
}

/** systemd.slice(5): `a-b.slice` lies in `a.slice`. Undefined when it is no slice. `-.slice` is the root, which is empty. */
export function slicePath(slice: string): string | undefined {
  if (slice === '-.slice') return ''
  const [, name] = /^([A-Za-z0-9:_.\\@-]+)\.slice$/.exec(slice) ?? []
  if (name === undefined || slice.length > LONGEST) return undefined
  const parts = name.split('-')
  if (parts.some((part) => part === '')) return undefined
  return parts.map((_, i) => `/${directoryName(`${parts.slice(0, i + 1).join('-')}.slice`)}`).join('')
}

const controllers =
  'cpu|cpuacct|cpuset|io|blkio|memory|devices|pids|freezer|hugetlb|rdma|misc|net_cls|net_prio|perf_event'
const collides = new RegExp(`^(_|\\.|notify_on_release$|release_agent$|tasks$|cgroup\\.|(${controllers})\\.)`)

/** A unit whose name could be taken for a file of a cgroup gets an underscore: systemd, "cg_escape". */
export const directoryName = (unit: string): string => (collides.test(unit) ? `_${unit}` : unit)

/** The object of a unit on the bus: everything but letters and digits as `_NN`. */
export function objectPath(unit: string): string {
  const label = [...Buffer.from(unit)]
    .map((byte, i) => {
      const letter = String.fromCharCode(byte)
      const isPlain = /[A-Za-z]/.test(letter) || (i > 0 && /[0-9]/.test(letter))
      return isPlain ? letter : `_${byte.toString(16).padStart(2, '0')}`
    })
    .join('')
  return `/org/freedesktop/systemd1/unit/${label}`
}
