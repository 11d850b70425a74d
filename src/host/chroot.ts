/** Are we in a chroot? The kernel refuses user namespaces there (current_chrooted() in fs/namespace.c). */
import type { Mount } from './facts.ts'
import { parseMountinfo } from './mountinfo.ts'

/**
 * mountinfo leaves out what cannot be reached from our root, so a chroot to a plain directory has no entry for `/`.
 * A chroot to a mount point has one; then pid 1 tells: mount ids are the same for everyone in a mount namespace, and
 * where our root sits elsewhere in its list, we are chrooted. Its mountinfo needs no privilege to read. When it is
 * hidden (hidepid) or lives in another mount namespace, we believe our own list.
 */
export function isChrooted(mounts: readonly Mount[], ofPid1: () => string | undefined): boolean {
  if (mounts.length === 0) return false
  const ours = mounts.findLast((mount) => mount.target === '/')
  if (ours === undefined) return true
  const seen = parseMountinfo(ofPid1() ?? '').find((mount) => mount.id === ours.id)
  return seen !== undefined && seen.target !== '/'
}
