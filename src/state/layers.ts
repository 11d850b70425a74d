/**
 * Where the layers of `usnea try` live: `$XDG_STATE_HOME/usnea/layers`, by default below ~/.local/state, or, for a folder
 * which that lies in, below /var/tmp; an overlay cannot lie in the folder that it is for. One directory a layer, 0700.
 */
import { mkdirSync, readdirSync, realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { errnoOf, RuntimeError } from '../base/errors.ts'
import { readableId } from '../base/readable-id.ts'
import type { Host } from '../host/facts.ts'
import { whyNotOwnDirectory, whyNotPrivateDirectory } from './runtime-directory.ts'

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
const SHARED = '/var/tmp'

/** Two places at most. The first is missing for a user without a home. */
export function layerPlaces(host: Host): string[] {
  const wanted = host.env.XDG_STATE_HOME
  // A relative path is to be ignored, says the XDG base directory specification.
  const state = wanted?.startsWith('/') ? wanted : host.home === undefined ? undefined : join(host.home, '.local/state')
  const own = state === undefined ? [] : [join(state, 'usnea', 'layers')]
  return [...own, join(SHARED, `usnea-${host.uid}`, 'layers')]
}

/** Makes the directory of a new layer. @throws RuntimeError `layer-name`, `layer-place` */
export function makeLayer(host: Host, wanted: string | undefined, isFit: (place: string) => boolean): string {
  if (wanted !== undefined) assertName(wanted)
  const refused: string[] = []
  for (const place of layerPlaces(host)) {
    if (!isFit(place)) continue
    const refusal = prepare(place, host)
    if (refusal === undefined) return makeIn(realpathSync(place), wanted)
    refused.push(`${place}: ${refusal}`)
  }
  throw new RuntimeError('layer-place', {
    details: refused,
    ...(refused.length > 0 ? {} : { why: 'every place for layers lies in a folder that is to be tried' }),
  })
}

/** @throws RuntimeError `layer-name` */
export function assertName(name: string): void {
  if (!NAME.test(name)) throw new RuntimeError('layer-name', { what: `${JSON.stringify(name)} is no name of a layer` })
}

/** Why the place will not do. In a directory that is open to all it must be ours, as nobody else could have made it. */
function prepare(place: string, host: Host): string | undefined {
  try {
    if (place.startsWith(`${SHARED}/`)) {
      const own = join(SHARED, `usnea-${host.uid}`)
      makeOwn(own)
      const refusal = whyNotPrivateDirectory(own, host.uid)
      if (refusal !== undefined) return refusal
    }
    mkdirSync(place, { recursive: true, mode: 0o700 })
    return whyNotOwnDirectory(place, host.uid)
  } catch (error) {
    return errnoOf(error) ?? 'it cannot be made'
  }
}

function makeOwn(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error
  }
}

function makeIn(place: string, wanted: string | undefined): string {
  for (let tries = 0; ; tries++) {
    const path = join(place, wanted ?? readableId())
    try {
      mkdirSync(path, { mode: 0o700 })
      return path
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error
      if (wanted !== undefined) throw new RuntimeError('layer-busy', { what: `the layer ${wanted} is just being made` })
      if (tries > 20) throw error
    }
  }
}

/** The directory of a layer, or undefined. @throws RuntimeError `layer-name` */
export function findLayer(host: Host, name: string): string | undefined {
  assertName(name)
  return listLayers(host).find((path) => path.endsWith(`/${name}`))
}

/** The directories of all layers, by name, without a link in their paths. */
export function listLayers(host: Host): string[] {
  const found = layerPlaces(host).flatMap((place) => layersIn(place, host.uid))
  return found.sort((a, b) => (basename(a) < basename(b) ? -1 : 1))
}

/** A place that somebody else owns holds no layer of ours. */
function layersIn(place: string, uid: number): string[] {
  try {
    const isForeign = place.startsWith(`${SHARED}/`) && whyNotPrivateDirectory(dirname(place), uid) !== undefined
    if (isForeign || whyNotOwnDirectory(place, uid) !== undefined) return []
    const real = realpathSync(place)
    return readdirSync(real)
      .filter((name) => NAME.test(name))
      .map((name) => join(real, name))
  } catch {
    return []
  }
}
