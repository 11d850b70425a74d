/** What we may do in the trees, read before anything is made. */
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { errnoOf } from '../../base/errors.ts'
import type { Host } from '../../host/facts.ts'
import { isWithin } from '../../host/mountinfo.ts'
import { type Place, placesOf } from './place.ts'

export interface Surveyed {
  readonly place: Place
  /** The controllers that can be had there. */
  readonly controllers: readonly string[]
  /** How many of the last names of its path are not there. */
  readonly missing: number
  /** Why the place cannot be used: what was looked at, and the errno. */
  readonly refusal?: { readonly path: string; readonly errno: string }
}

/** Beside us, or below where only that is ours. */
export function surveyAround(path: string, cgroup: Host['cgroup']): Surveyed[] {
  const beside = surveyPlaces(placesOf(path, cgroup), cgroup)
  if (cgroup.layout !== 'v2' || path.startsWith('/') || beside.every(({ refusal }) => refusal === undefined))
    return beside
  const below = surveyPlaces(placesOf(path, cgroup, 'below'), cgroup)
  return below.every(({ refusal }) => refusal === undefined) ? below : beside
}

export function surveyPlaces(places: readonly Place[], { hierarchies }: Host['cgroup']): Surveyed[] {
  return places.map((place) => {
    const own = hierarchies.find(({ target }) => target === place.mount)?.ownPath
    const refusal = refusalOf(place, own)
    const controllers = place.version === 1 ? place.controllers : controllersAt(source(place))
    return { place, controllers, missing: missingOf(place), ...(refusal ? { refusal } : {}) }
  })
}

/**
 * systemd makes the directories, as far as its manager may: what counts is which controllers were handed to that. Only
 * real root may have controllers of v1 from it.
 */
export function surveyScope(
  places: readonly Place[],
  { manager, cgroup }: { readonly manager: 'system' | 'user'; readonly cgroup: string },
): Surveyed[] {
  return places
    .filter(({ version }) => version === 2 || manager === 'system')
    .map((place) => ({
      place,
      controllers: place.version === 1 ? place.controllers : controllersAt(join(place.mount, cgroup)),
      missing: existsSync(join(place.mount, place.path)) ? 0 : 1,
    }))
}

/** The directory itself where it is there, else the lowest one above it. */
function deepest({ mount, path }: Place): string {
  let at = join(mount, path)
  while (at !== mount && !existsSync(at)) at = dirname(at)
  return at
}

/** From here down we may hand on what is there: what the directory itself lacks, those above it may only not have switched on. */
function source(place: Place): string {
  let at = deepest(place)
  while (at !== place.mount && mayWrite(join(dirname(at), 'cgroup.subtree_control'))) at = dirname(at)
  return at
}

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

const namesOf = (path: string): number => path.split('/').filter(Boolean).length

const missingOf = (place: Place): number => namesOf(join(place.mount, place.path)) - namesOf(deepest(place))

/** cgroup.controllers of v2; the file is missing only where there is no cgroup. */
export function controllersAt(directory: string): string[] {
  try {
    return readFileSync(join(directory, 'cgroup.controllers'), 'utf8').split(/\s+/).filter(Boolean)
  } catch {
    return []
  }
}

/**
 * On v2 whoever moves a process must be allowed to write cgroup.procs also where the old and the new cgroup have their
 * common ancestor: cgroups(7), "Delegation containment".
 */
function refusalOf(place: Place, own: string | undefined): Surveyed['refusal'] {
  const at = deepest(place)
  const isThere = at === join(place.mount, place.path)
  const needed = [at, ...(isThere ? [join(at, 'cgroup.procs')] : [])]
  if (place.version === 2 && own !== undefined)
    needed.push(join(place.mount, commonAbove(own, place.path), 'cgroup.procs'))
  for (const path of needed) {
    try {
      accessSync(path, constants.W_OK)
    } catch (error) {
      return { path: path === at && !isThere ? join(place.mount, place.path) : path, errno: errnoOf(error) ?? 'EACCES' }
    }
  }
  return undefined
}

function commonAbove(one: string, other: string): string {
  let at = one
  while (!isWithin(other, at)) at = dirname(at)
  return at
}
