/** Descriptors that the caller passes on through us. */
import type { Host } from './facts.ts'

/**
 * bin/usnea lists what is open before Node starts: Node gives everything that it inherits close-on-exec, and opens
 * descriptors of its own on the numbers that were free. Without the list nothing counts as inherited.
 */
export function isInherited(fd: number, { env }: Host): boolean {
  return (env.USNEA_FDS ?? '').split(' ').includes(String(fd))
}
