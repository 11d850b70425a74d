/** Values that the kernel takes on cgroup v2 and then does not go by. Pure. */
import { bitsOf } from './properties.ts'

/** Bits of `part` that `whole` has not. */
const exceeds = (part: Uint8Array, whole: Uint8Array): boolean =>
  part.some((bits, i) => (bits & ~(whole[i] ?? 0)) !== 0)

/**
 * @param read another file of the same cgroup
 * @returns why what was asked for is not had; undefined when it is
 */
export function notHeld(
  { file, value }: { readonly file: string; readonly value: string },
  read: (file: string) => string | undefined,
): string | undefined {
  if (file === 'cpuset.cpus.partition') {
    const now = read(file)?.trim() ?? ''
    return now.includes('invalid') ? `the kernel says: ${now}` : undefined
  }
  if (file !== 'cpuset.cpus' && file !== 'cpuset.mems') return undefined
  const [now, asked] = [read(`${file}.effective`)?.trim() ?? '', value.trim()]
  if (now === '' || asked === '' || !exceeds(bitsOf(now), bitsOf(asked))) return undefined
  return `none of it can be had, so processes would run on all that the cgroup above has: ${now}`
}
