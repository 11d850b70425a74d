/** Which cgroup it is that lies at a path. Another container may have taken the path over. */
import { statSync } from 'node:fs'
import { errnoOf } from '../../base/errors.ts'
import type { CgroupRecord, Home } from './record.ts'

export const inodeOf = (path: string): string => String(statSync(path, { bigint: true }).ino)

export function isStillThere({ path, ino }: { readonly path: string; readonly ino: string }): boolean {
  try {
    return inodeOf(path) === ino
  } catch {
    return false
  }
}

/** One that has gone is nobody else's. */
function isStillOurs({ path, ino }: Home): boolean {
  if (ino === undefined) return true
  try {
    return inodeOf(path) === ino
  } catch (error) {
    return ['ENOENT', 'ENODEV'].includes(errnoOf(error) ?? '')
  }
}

/** Those of the record that are the ones that were recorded. */
export const ownHomes = (record: CgroupRecord): readonly Home[] =>
  record.manager === 'none' ? [] : record.homes.filter(isStillOurs)
