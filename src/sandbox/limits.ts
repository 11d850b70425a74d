/**
 * Limits: those of all processes together, which container/hold has held, open files by rlimit, and private directories by
 * the size of their file system. Pure.
 */
import { parseSize } from '../base/units.ts'
import type { Amounts, HeldLimit } from '../container/hold/amounts.ts'
import type { Host } from '../host/facts.ts'
import { rlimitNumbers } from '../kernel/constants.ts'
import type { Op } from '../kernel/plan.ts'
import { planOpenFiles } from '../linux/process/plan.ts'

export interface LimitOptions extends AmountOptions {
  /** Descriptors that a process of the command may have open. Default: as the caller's. */
  readonly files?: number
  /** Bytes, or a text like `64M`: the most that each private directory holds. Default: half of the memory, as of any tmpfs. */
  readonly disk?: number | string
}

/** For all processes of a command together. See docs/limits.md for what holds them. */
export interface AmountOptions {
  /** Bytes, or a text like `64M`; swap counts too where the kernel counts it. Default: no limit. */
  readonly memory?: number | string
  /** Processes and threads. Default: no limit. */
  readonly pids?: number
  /** Processors, such as 0.5 or 2: so much of the time of one. Default: no limit. */
  readonly cpus?: number
}

export interface Limits {
  readonly amounts: Amounts
  readonly files: number | undefined
  readonly disk: number | undefined
}

/** Below it no program starts: three for input and output, and one to read its libraries with. */
const FEWEST_FILES = 4
/** The kernel takes no share of a period that is shorter than a millisecond. */
const LEAST_CPUS = 0.01
/** More than any machine has. */
const MOST_CPUS = 8192
/** Less than that and nothing starts: what the program loader and our own process need. */
const LEAST_MEMORY = 1024 ** 2
/** PID_MAX_LIMIT of linux/threads.h. */
const MOST_PIDS = 4_194_304
/** What a tmpfs rounds to. */
const SMALLEST_DISK = 4096

type Wrong = (option: string, why: string) => Error

export function checkAmounts({ memory, pids, cpus }: AmountOptions, wrong: Wrong): Amounts {
  const bytes = typeof memory === 'string' ? parseSize(memory) : memory
  if (memory !== undefined && !(bytes !== undefined && Number.isSafeInteger(bytes) && bytes >= LEAST_MEMORY))
    throw wrong('memory', `${JSON.stringify(memory)} is no size from 1M on, such as 512M`)
  if (pids !== undefined && !(Number.isSafeInteger(pids) && pids >= 1 && pids <= MOST_PIDS))
    throw wrong('pids', `${pids} is no whole number from 1 to ${MOST_PIDS}`)
  if (cpus !== undefined && !(Number.isFinite(cpus) && cpus >= LEAST_CPUS && cpus <= MOST_CPUS))
    throw wrong('cpus', `${cpus} is no number from ${LEAST_CPUS} to ${MOST_CPUS}`)
  return { memory: bytes, pids, cpus }
}

export function checkLimits(options: LimitOptions, wrong: Wrong): Limits {
  const { files, disk } = options
  if (files !== undefined && !(Number.isSafeInteger(files) && files >= FEWEST_FILES))
    throw wrong('files', `${files} is no whole number from ${FEWEST_FILES} on`)
  const bytes = typeof disk === 'string' ? parseSize(disk) : disk
  if (disk !== undefined && !(bytes !== undefined && Number.isSafeInteger(bytes) && bytes >= SMALLEST_DISK))
    throw wrong('disk', `${JSON.stringify(disk)} is no size from ${SMALLEST_DISK} bytes on, such as 64M`)
  return { files, disk: bytes, amounts: checkAmounts(options, wrong) }
}

/** Those that hold by themselves. */
export const heldAlways = ({ files, disk }: Limits): HeldLimit[] => [
  ...(files === undefined ? [] : [{ limit: 'files', value: files, enforcedBy: 'rlimit' } as const]),
  ...(disk === undefined ? [] : [{ limit: 'disk', value: disk, enforcedBy: 'mount' } as const]),
]

/** Never more than the hard limit of the caller, which nobody may raise in a user namespace. */
export function planFiles({ files }: Limits, host: Host): Op[] {
  if (files === undefined) return planOpenFiles([], host, 'sandbox')
  const most = Math.min(files, Number(host.rlimits.RLIMIT_NOFILE?.hard ?? files))
  return [{ op: 'rlimit', resource: rlimitNumbers.RLIMIT_NOFILE, soft: most, hard: most, origin: 'files' }]
}

/** An option of tmpfs, behind others. */
export const sizeOf = ({ disk }: Limits): string => (disk === undefined ? '' : `,size=${disk}`)
