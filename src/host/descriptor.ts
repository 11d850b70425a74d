/** Our own descriptors, as /proc shows them. */
import { readFileSync } from 'node:fs'

const O_CLOEXEC = 0o2000000

/** Open, and not by ourselves: what this process opened has close-on-exec, what was handed to it cannot have it. */
export function isInherited(fd: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1] ?? '0'
    return (Number.parseInt(flags, 8) & O_CLOEXEC) === 0
  } catch {
    return false
  }
}
