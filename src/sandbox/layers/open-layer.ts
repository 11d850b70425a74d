/** Finds a layer, or makes one: its folders and its backend are decided once. */
import { basename, dirname } from 'node:path'
import { RuntimeError } from '../../base/errors.ts'
import type { Host } from '../../host/facts.ts'
import { findLayer, listLayers, makeLayer } from '../../state/layers.ts'
import { tryLock } from '../../state/lock.ts'
import type { Backend } from '../backends.ts'
import { isWithin, type Policy } from '../policy.ts'
import { chooseBackend } from './backend.ts'
import { chooseFolders, realPlace, type Wish } from './folders.ts'
import { Layer } from './layer.ts'
import type { LayerRecord } from './record.ts'
import * as record from './record.ts'
import { removeTree } from './remove-tree.ts'

/** Without folders: the current directory for a new layer, and for one that is there its own. */
export interface NewLayer extends Wish {
  readonly name: string | undefined
  readonly backend: Backend | undefined
}

/** A layer that is not there is made. @throws RuntimeError `layer-…` */
export function openOrMakeLayer(wish: NewLayer, policy: Policy): Layer {
  const { host } = policy
  const known = wish.name === undefined ? undefined : findLayer(host, wish.name)
  const found = known === undefined ? undefined : record.readRecord(known)
  if (known !== undefined && found !== undefined) return reopen(new Layer(known, host, found), wish, host)
  const dirs = wish.dirs.length === 0 && !wish.all ? [host.cwd] : wish.dirs
  const folders = chooseFolders({ ...wish, dirs }, host)
  if (folders.length === 0) throw new RuntimeError('layer-folder', { what: 'there is no folder to try' })
  const isFit = (place: string) => !folders.some((folder) => isWithin(realPlace(place), folder))
  if (known !== undefined) sweep(known)
  const directory = makeLayer(host, wish.name, isFit)
  try {
    const choice = chooseBackend(directory, folders, { wanted: wish.backend, policy })
    const made: LayerRecord = {
      schemaVersion: 1,
      name: basename(directory),
      isNamed: wish.name !== undefined,
      ...choice,
      created: new Date().toISOString(),
      folders,
      runs: [],
      missing: [],
    }
    record.writeRecord(directory, made)
    return new Layer(directory, host, made)
  } catch (error) {
    removeTree(directory, dirname(directory))
    throw error
  }
}

/** What is left of a layer whose making or removal was interrupted. @throws RuntimeError `layer-busy` */
function sweep(directory: string): void {
  const lock = tryLock(directory)
  if (lock === undefined) throw new RuntimeError('layer-busy', { what: `the layer ${basename(directory)} is in use` })
  try {
    removeTree(directory, dirname(directory))
  } finally {
    lock[Symbol.dispose]()
  }
}

/** The folders of a layer are decided once. */
function reopen(layer: Layer, wish: NewLayer, host: Host): Layer {
  const { folders, backend, name } = layer.record
  const asked = wish.dirs.length > 0 || wish.all ? chooseFolders(wish, host) : folders
  const isOther = asked.some((path) => !folders.some((folder) => isWithin(path, folder)))
  if (isOther)
    throw new RuntimeError('layer-folder', {
      what: `the layer ${name} is for ${folders.join(', ')}, and not for ${asked.join(', ')}`,
      fix: 'use another name for a new layer',
    })
  if (wish.backend !== undefined && wish.backend !== backend)
    throw new RuntimeError('layer-backend', {
      what: `the layer ${name} was made as ${backend}`,
      fix: 'use another name for a new layer',
    })
  return layer
}

/** @throws RuntimeError `layer-missing`, `layer-name`, `layer-damaged` */
export function openLayer(name: string, host: Host): Layer {
  const directory = findLayer(host, name)
  const found = directory === undefined ? undefined : record.readRecord(directory)
  if (directory === undefined || found === undefined)
    throw new RuntimeError('layer-missing', { what: `there is no layer called ${name}` })
  return new Layer(directory, host, found)
}

/** Those that can be read. */
export function openLayers(host: Host): Layer[] {
  return listLayers(host).flatMap((directory) => {
    const found = record.readRecord(directory)
    return found === undefined ? [] : [new Layer(directory, host, found)]
  })
}
