/** Files that decide about the next sandbox, which a command of this one must not change. Reads the file system. */
import { lstatSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Host } from '../host/facts.ts'
import { isWithin } from '../host/mountinfo.ts'
import type { Exposure } from './exposure.ts'
import { findProjectFiles, projectPlaces } from './project-files.ts'

/** Of the user, besides the usual place, of the system, and of the project; not those that are named. */
export function policyFiles(host: Host, exposures: readonly Exposure[]): string[] {
  const { cwd, env } = host
  const { USNEA_CONFIG: file, XDG_CONFIG_HOME: folder } = env
  const all = [
    '/etc/usnea',
    ...(file ? [resolve(cwd, file)] : []),
    ...(folder ? [resolve(cwd, folder, 'usnea')] : []),
    ...findProjectFiles(host).flatMap(({ path }) => (isWritable(path, exposures) ? path : [])),
  ]
  return all.filter((path) => !exposures.some(({ dest }) => dest === path))
}

/** Where the next command would find one of the project, if this one made it. */
export const missingPolicies = (host: Host, exposures: readonly Exposure[]): string[] =>
  projectPlaces(host).filter(
    (path) => isWritable(path, exposures) && lstatSync(path, { throwIfNoEntry: false }) === undefined,
  )

/** What is only tried is asked about when it is applied. */
const isWritable = (path: string, exposures: readonly Exposure[]): boolean =>
  exposures.some(({ source, writable, isTried }) => writable && !isTried && isWithin(path, source))
