/**
 * What lies in a writable directory and is run later, outside: by git, a shell, an editor, a CI. It stays read-only unless
 * it is named itself. A name that does not exist yet cannot be held without making it on the host, so it is told instead.
 */
import { lstatSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Op } from '../kernel/plan.ts'
import { heldPaths } from './danger.ts'
import type { Exposure } from './options.ts'

export interface Protection {
  readonly path: string
  /** Only kept from being moved away, for what lies in it. */
  readonly writable: boolean
}

/** The dangerous paths of a writable directory that are not named themselves, and the directories on the way to them. */
export function protectionsOf(exposures: readonly Exposure[]): Protection[] {
  const named = new Set(exposures.map(({ dest }) => dest))
  const found = new Map<string, Protection>()
  for (const { source, dest, writable, isTried } of exposures) {
    // What is only tried is asked about when it is applied.
    if (!writable || isTried || !isDirectory(source)) continue
    for (const path of heldPaths.flatMap((name) => placesOf(name, dest))) {
      if (named.has(path)) continue
      for (const above of between(dest, path)) if (!named.has(above)) found.set(above, { path: above, writable: true })
      found.set(path, { path, writable: false })
    }
  }
  return [...found.values()]
}

/** What a caller names besides, such as the log of this very sandbox, where it lies in a writable directory. */
export function keptIn(paths: readonly string[], exposures: readonly Exposure[]): Protection[] {
  return paths.flatMap((path): Protection[] => {
    const around = exposures.find(({ dest, source, writable }) => writable && source === dest && isBelow(path, dest))
    if (around === undefined) return []
    return [...between(around.dest, path).map((above) => ({ path: above, writable: true })), { path, writable: false }]
  })
}

const isBelow = (path: string, directory: string): boolean =>
  path !== directory && path.startsWith(directory === '/' ? '/' : `${directory}/`)

/** In the directory, and where the directory is the `.git` of a project itself, in that. */
function placesOf(name: string, directory: string): string[] {
  const [first = '', ...rest] = name.split('/')
  const isItself = rest.length > 0 && directory.endsWith(`/${first}`)
  return [join(directory, name), ...(isItself ? [join(directory, ...rest)] : [])]
}

function between(directory: string, path: string): string[] {
  const parts = path.slice(directory === '/' ? 1 : directory.length + 1).split('/')
  return parts.slice(0, -1).map((_, count) => join(directory, ...parts.slice(0, count + 1)))
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

export const protectOp = ({ path, writable }: Protection): Op => ({
  op: 'protect',
  path,
  writable: writable ? 1 : 0,
  origin: 'protect',
})

const exists = (path: string): boolean => {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined
  } catch {
    return false // a part of it is a file, or closed to us
  }
}

/** Dangerous paths that are not there, on the host. */
export function missingIn(exposures: readonly Exposure[]): string[] {
  return protectionsOf(exposures)
    .filter(({ writable }) => !writable)
    .flatMap(({ path }) => hostPath(path, exposures) ?? [])
    .filter((path) => !exists(path))
}

/** Of those that were missing, the ones that are there now. */
export const plantedOf = (missing: readonly string[]): string[] => missing.filter(exists)

function hostPath(path: string, exposures: readonly Exposure[]): string | undefined {
  const around = exposures.findLast(
    ({ dest, writable }) => writable && path.startsWith(dest === '/' ? '/' : `${dest}/`),
  )
  return around && join(around.source, path.slice(around.dest.length))
}
