/** Limits that need neither a cgroup nor a watchdog: open files by rlimit, private directories by the size of their file system. Pure. */
import { parseSize } from '../base/units.ts'
import type { Host } from '../host/facts.ts'
import { rlimitNumbers } from '../kernel/constants.ts'
import type { Op } from '../kernel/plan.ts'
import { planOpenFiles } from '../linux/process/plan.ts'

export interface LimitOptions {
  /** Descriptors that a process of the command may have open. Default: as the caller's. */
  readonly files?: number
  /** Bytes, or a text like `64M`: the most that each private directory holds. Default: half of the memory, as of any tmpfs. */
  readonly disk?: number | string
}

export interface Limits {
  readonly files: number | undefined
  readonly disk: number | undefined
}

/** Below it no program starts: three for input and output, and one to read its libraries with. */
const FEWEST_FILES = 4
/** What a tmpfs rounds to. */
const SMALLEST_DISK = 4096

export function checkLimits({ files, disk }: LimitOptions, wrong: (option: string, why: string) => Error): Limits {
  if (files !== undefined && !(Number.isSafeInteger(files) && files >= FEWEST_FILES))
    throw wrong('files', `${files} is no whole number from ${FEWEST_FILES} on`)
  const bytes = typeof disk === 'string' ? parseSize(disk) : disk
  if (disk !== undefined && !(bytes !== undefined && Number.isSafeInteger(bytes) && bytes >= SMALLEST_DISK))
    throw wrong('disk', `${JSON.stringify(disk)} is no size from ${SMALLEST_DISK} bytes on, such as 64M`)
  return { files, disk: bytes }
}

/** Never more than the hard limit of the caller, which nobody may raise in a user namespace. */
export function planFiles({ files }: Limits, host: Host): Op[] {
  if (files === undefined) return planOpenFiles([], host, 'sandbox')
  const most = Math.min(files, Number(host.rlimits.RLIMIT_NOFILE?.hard ?? files))
  return [{ op: 'rlimit', resource: rlimitNumbers.RLIMIT_NOFILE, soft: most, hard: most, origin: 'files' }]
}

/** An option of tmpfs, behind others. */
export const sizeOf = ({ disk }: Limits): string => (disk === undefined ? '' : `,size=${disk}`)
