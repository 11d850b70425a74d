/** A path of the host that a command sees: how it is written, and what it comes to. */
import { existsSync, type Stats, statSync } from 'node:fs'
import { isAbsolute, normalize } from 'node:path'
import type { Overlay } from './layer-options.ts'
import { absolute, wrong } from './option-values.ts'

export interface Exposure {
  readonly source: string
  readonly dest: string
  readonly writable: boolean
  /** The option it came from, for errors and the plan. */
  readonly origin: string
  /** Made in place of the source: its changes go elsewhere. */
  readonly overlay?: Overlay
  /** The same, by a program outside: the folder's place among those of the layer. */
  readonly served?: number
  /** A part of a layer. */
  readonly isTried?: true
}

/** A path behind `?` is shown where it exists. */
const isLeftOut = (text: string, path: string): boolean => text.startsWith('?') && !existsSync(path)

/** @throws RuntimeError `sandbox-option` */
export function exposure(text: string, option: 'ro' | 'rw', cwd: string): Exposure[] {
  const whole = text.replace(/^\?/, '')
  const colon = whole.indexOf(':')
  const source = absolute(colon < 0 ? whole : whole.slice(0, colon), option, cwd)
  const dest = colon < 0 ? source : whole.slice(colon + 1)
  if (!isAbsolute(dest)) throw wrong(option, `the destination ${JSON.stringify(dest)} is not absolute`)
  if (isLeftOut(text, source)) return []
  const path = normalize(dest).replace(/(.)\/$/, '$1')
  return [{ source, dest: path, writable: option === 'rw', origin: `${option} ${whole}` }]
}

/** What is shown as what it is, and as nothing else. @throws RuntimeError `sandbox-option` */
export function special(text: string, option: 'socket' | 'device', cwd: string): Exposure[] {
  const source = absolute(text.replace(/^\?/, ''), option, cwd)
  if (isLeftOut(text, source)) return []
  const stat = statSync(source, { throwIfNoEntry: false })
  if (stat === undefined) throw wrong(option, `${source} does not exist`)
  if (option === 'socket' && !stat.isSocket()) throw wrong(option, `${source} is no unix socket`)
  if (option === 'device' && !isDevice(source, stat)) throw wrong(option, `${source} is no device below /dev`)
  return [{ source, dest: source, writable: option === 'device', origin: `${option} ${source}` }]
}

const isDevice = (path: string, stat: Stats): boolean =>
  path.startsWith('/dev/') && (stat.isCharacterDevice() || stat.isBlockDevice() || stat.isDirectory())
