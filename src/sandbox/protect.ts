/**
 * What lies in a writable directory and is run later, outside: by git, a shell, an editor, a CI. It stays read-only unless
 * it is named itself. A name that does not exist yet cannot be held without making it on the host, so it is told instead.
 */
import { lstatSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Op } from '../kernel/plan.ts'
import { heldPaths } from './danger.ts'
import type { Exposure } from './exposure.ts'
import { gitPathsOf } from './git-places.ts'

export interface Protection {
  readonly path: string
  /** Only kept from being moved away, for what lies in it. */
  readonly writable: boolean
}

/** The dangerous paths of a writable directory that are not named themselves, and the directories on the way to them. */
export function protectionsOf(exposures: readonly Exposure[]): Protection[] {
  const named = new Set(exposures.map(({ dest }) => dest))
  const found = new Map<string, Protection>()
  const hold = (dest: string, path: string) => {
    if (named.has(path)) return
    for (const above of between(dest, path))
      if (!named.has(above) && !found.has(above)) found.set(above, { path: above, writable: true })
    found.set(path, { path, writable: false })
  }
  // What is only tried is asked about when it is applied.
  const open = exposures.filter(({ source, writable, isTried }) => writable && !isTried && isDirectory(source))
  for (const { source, dest } of open) {
    for (const path of heldPaths.flatMap((name) => placesOf(name, dest))) hold(dest, path)
    for (const path of gitPathsOf(source))
      for (const { around, inside } of showing(path, open)) hold(around.dest, inside)
  }
  return [...found.values()]
}

/**
 * What leads to the paths that rules name, where the command may write: it stays in its place, links too, or the next
 * command would find the rule on something else. @param paths of the host, as they were written and as they are
 */
export function waysTo(paths: readonly string[], exposures: readonly Exposure[]): Protection[] {
  const named = new Set(exposures.map(({ dest }) => dest))
  const open = exposures.filter(({ source, writable }) => writable && isDirectory(source))
  const ways = paths.flatMap((path) =>
    showing(path, open).flatMap(({ around, inside }) => [
      ...between(around.dest, inside),
      ...(isLink(path) ? [inside] : []),
    ]),
  )
  return [...new Set(ways)].filter((path) => !named.has(path)).map((path) => ({ path, writable: true }))
}

/** Where the command sees a path of the host: below each of the paths that it lies in. */
const showing = (path: string, exposures: readonly Exposure[]): { around: Exposure; inside: string }[] =>
  exposures
    .filter(({ source }) => isBelow(path, source))
    .map((around) => ({ around, inside: join(around.dest, path.slice(around.source.length)) }))

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

function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink()
  } catch {
    return false
  }
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

/** Dangerous paths that are not there, on the host, and the names by which git finds a repository. */
export function missingIn(protections: readonly Protection[], exposures: readonly Exposure[]): string[] {
  const repositories = exposures.flatMap(({ source, writable, isTried }) =>
    writable && !isTried && isDirectory(source) ? [join(source, '.git'), join(source, 'HEAD')] : [],
  )
  return [
    ...protections.filter(({ writable }) => !writable).flatMap(({ path }) => hostPath(path, exposures) ?? []),
    ...repositories,
  ].filter((path) => !exists(path))
}

/** Of those that were missing, the ones that are there now. */
export const plantedOf = (missing: readonly string[]): string[] => missing.filter(exists).filter(leadsGit)

/** A directory `.git` is told by what lies in it; a file or a link of that name leads elsewhere. A bare repository has these three. */
function leadsGit(path: string): boolean {
  if (path.endsWith('/.git')) return !isDirectory(path) || isLink(path)
  return !path.endsWith('/HEAD') || ['objects', 'refs'].every((name) => isDirectory(join(dirname(path), name)))
}

function hostPath(path: string, exposures: readonly Exposure[]): string | undefined {
  const around = exposures.findLast(
    ({ dest, writable }) => writable && path.startsWith(dest === '/' ? '/' : `${dest}/`),
  )
  return around && join(around.source, path.slice(around.dest.length))
}
