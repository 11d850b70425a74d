/**
 * Where the policies of a project lie. A command that may write in a project can make a `.usnea.toml` or a `.git` in any
 * directory of it, so neither is the end of the search: what lies further out holds too, as far as it takes away.
 */
import { existsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Host } from '../host/facts.ts'

export const PROJECT_FILE = '.usnea.toml'

export interface ProjectFile {
  readonly path: string
  /** It lies outside of the repository that the current directory is in. */
  readonly isBeyond: boolean
}

type Around = Pick<Host, 'cwd' | 'home'>

/** From the current directory outwards, not in the home itself. */
export function findProjectFiles(host: Around): ProjectFile[] {
  const files: ProjectFile[] = []
  let isBeyond = false
  for (const directory of directoriesOf(host)) {
    if (isBeyond && isOpenToAll(directory)) break
    const path = join(directory, PROJECT_FILE)
    if (existsSync(path)) files.push({ path, isBeyond })
    isBeyond ||= existsSync(join(directory, '.git'))
  }
  return files
}

/** The nearest one, up to the root of the repository. */
export const findProjectFile = (host: Around): string | undefined =>
  findProjectFiles(host).find(({ isBeyond }) => !isBeyond)?.path

/** Each place of one, whether there is one or not. */
export const projectPlaces = (host: Around): string[] => directoriesOf(host).map((at) => join(at, PROJECT_FILE))

function directoriesOf({ cwd, home }: Around): string[] {
  const found: string[] = []
  if (cwd === '') return found
  for (let at = cwd; at !== '/' && at !== home; at = dirname(at)) found.push(at)
  return found
}

/** As /tmp: what lies there is nobody's project. */
function isOpenToAll(directory: string): boolean {
  const stat = statSync(directory, { throwIfNoEntry: false })
  return stat === undefined || (stat.mode & 0o002) !== 0
}
