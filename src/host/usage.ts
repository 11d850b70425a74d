/** What processes use, as /proc counts it: for containers that no cgroup counts. */
import { readText } from './file.ts'

export interface Usage {
  /** Nanoseconds in the program and in the kernel, children that were waited for included. */
  readonly user: bigint
  readonly kernel: bigint
  /** Bytes: shared pages are divided among those who share them, where we may look; else counted for each. */
  readonly memory: bigint
  /** Threads, as the pids controller counts. */
  readonly tasks: bigint
}

/** USER_HZ: the kernel shows times in hundredths of a second, whatever it counts in. times(2) */
const NS_PER_TICK = 10_000_000n

/** One that ends meanwhile uses nothing. */
export function usageOf(pids: readonly number[]): Usage {
  const all = pids.map(usageOfProcess)
  const sum = (key: keyof Usage) => all.reduce((total, usage) => total + usage[key], 0n)
  return { user: sum('user'), kernel: sum('kernel'), memory: sum('memory'), tasks: sum('tasks') }
}

/** Fields 14 to 17 and 20 of proc_pid_stat(5), counted from behind the name. */
function usageOfProcess(pid: number): Usage {
  const text = readText(`/proc/${pid}/stat`) ?? ''
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const field = (n: number) => BigInt(/^\d+$/.test(fields[n - 3] ?? '') ? (fields[n - 3] ?? 0) : 0)
  return {
    user: (field(14) + field(16)) * NS_PER_TICK,
    kernel: (field(15) + field(17)) * NS_PER_TICK,
    memory: memoryOf(pid),
    tasks: field(20),
  }
}

function memoryOf(pid: number): bigint {
  const kib =
    /^Pss:\s+(\d+) kB$/m.exec(readText(`/proc/${pid}/smaps_rollup`) ?? '') ??
    /^VmRSS:\s+(\d+) kB$/m.exec(readText(`/proc/${pid}/status`) ?? '')
  return BigInt(kib?.[1] ?? 0) * 1024n
}
