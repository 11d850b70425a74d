/**
 * What native/quick needs to answer a call without Node, in a file beside state.json. It names the very file that it was
 * made from, by inode and time of change: whatever else is done to state.json, the shortcut means nothing any more.
 */
import { statSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { errnoOf } from '../base/errors.ts'
import { replaceFile } from '../base/files.ts'

/** Names and values, in order; a name may come more than once. native/quick/shortcut.h says what they mean. */
export type Shortcut = readonly (readonly [name: string, value: string])[]

/** Another number for whatever a native/quick of today would misread. */
const FORMAT = 'usnea-quick-1'

const fileIn = (directory: string): string => join(directory, 'shortcut')

/** Throws the system error. */
export function keepShortcut(directory: string, shortcut: Shortcut): void {
  const { dev, ino, size, ctimeNs } = statSync(join(directory, 'state.json'), { bigint: true })
  const entries = [['of', `${dev}:${ino}:${size}:${ctimeNs}`], ...shortcut, ['end', '']]
  const text = [FORMAT, ...entries.map(([name, value]) => `${name}=${value}`)].map((line) => `${line}\0`).join('')
  replaceFile(fileIn(directory), text, 0o600)
}

/** Throws the system error. */
export function dropShortcut(directory: string): void {
  try {
    unlinkSync(fileIn(directory))
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
  }
}
