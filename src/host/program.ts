/** Finding programs: the id map helpers above all. */
import { accessSync, constants, statSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { errnoOf } from '../base/errors.ts'

/** Where to look when there is no PATH: podman calls kill, delete, pause and resume with none. */
const usualDirectories = ['/usr/bin', '/usr/sbin', '/bin', '/usr/local/bin'] as const

type Env = Readonly<Record<string, string | undefined>>

/** A PATH that is set is obeyed; its relative entries are not: a helper that is setuid must not come from there. */
export function findProgram(name: string, env: Env): string | undefined {
  const path = env.PATH ?? ''
  const directories = path === '' ? usualDirectories : path.split(':')
  for (const directory of directories) {
    const candidate = join(directory, name)
    if (isAbsolute(directory) && isProgram(candidate)) return candidate
  }
  return undefined
}

/** `USNEA_NEWUIDMAP` and `USNEA_NEWGIDMAP` name the helpers outright. */
export function findHelper(name: 'newuidmap' | 'newgidmap', env: Env): string | undefined {
  const named = env[`USNEA_${name.toUpperCase()}`] ?? ''
  if (named === '') return findProgram(name, env)
  return isAbsolute(named) && isProgram(named) ? named : undefined
}

const isProgram = (path: string): boolean => whyNotProgram(path) === undefined

/** The errno with which it could not be run, or undefined: it is a file that we may execute. */
export function whyNotProgram(path: string): string | undefined {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile() ? undefined : 'EACCES'
  } catch (failure) {
    return errnoOf(failure) ?? 'EINVAL'
  }
}
