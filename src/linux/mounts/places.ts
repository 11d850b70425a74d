/** Where a mount comes from and where it goes. */
import { isAbsolute, resolve } from 'node:path'
import type { Mount } from '../../spec/types.ts'

/** On the host; a relative source is the bundle's. */
export function sourceOf({ source = '' }: Mount, { bundle }: { readonly bundle: string }): string {
  return isAbsolute(source) ? resolve(source) : resolve(bundle, source)
}

/**
 * In the container; a relative destination (deprecated) counts from the root. Old callers give the path on the host: what
 * lies in the root by that path means the same place inside, as in runc.
 */
export function targetOf({ destination }: Mount, rootfs: string): string {
  const target = resolve('/', destination)
  return isWithin(target, rootfs) ? resolve('/', target.slice(rootfs.length + 1)) : target
}

export const isWithin = (path: string, directory: string): boolean =>
  path === directory || path.startsWith(`${directory}/`)

/** Is the source another mount of the container, or does one lie in it? Then it is there only when its turn comes. */
export function isMadeByMounts(mounts: readonly Mount[], index: number, place: Place): boolean {
  const source = sourceOf(mounts[index] ?? { destination: '/' }, place)
  return mounts.slice(0, index).some((earlier) => {
    const target = `${place.rootfs}${targetOf(earlier, place.rootfs)}`
    return isWithin(source, target) || isWithin(target, source)
  })
}

export interface Place {
  readonly bundle: string
  readonly rootfs: string
}
