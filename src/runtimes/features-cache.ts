/** Answers of runtimes, kept as long as the program is the same file. */
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { makeDirectories, replaceFile } from '../base/files.ts'
import { isTable } from '../config/shape.ts'
import { cachePath } from '../state/paths.ts'
import type { ResolvedOci } from './entry.ts'
import { type AskWish, askFeatures, type FeaturesAnswer } from './features.ts'

type Program = Pick<ResolvedOci, 'path' | 'args'>

const FILE = 'features.json'
const MOST = 64
const VERSION = 1

export interface FeaturesWish extends AskWish {
  /** Instead of the user's cache directory. */
  readonly cache?: string
  /** Ask again, whatever is known. */
  readonly isFresh?: boolean
}

/**
 * What the runtime said before, while path, inode, size and times of its program are the same; else it is asked. An
 * answer that failed is not kept: the next one may be better. Never throws.
 */
export async function featuresOf(program: Program, wish: FeaturesWish): Promise<FeaturesAnswer> {
  const directory = wish.cache ?? (await cachePath())
  const key = keyOf(program)
  const known = key === undefined || wish.isFresh ? undefined : recall(directory)[key]
  if (known !== undefined) return known
  const answer = await askFeatures(program, wish)
  // A program that was replaced while it answered has not said this of what is there now.
  if (answer.kind !== 'failed' && key !== undefined && key === keyOf(program)) remember(directory, key, answer)
  return answer
}

/** The change time, too: another file may be given the time of the old one, but not this. */
function keyOf({ path, args }: Program): string | undefined {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true })
    return JSON.stringify([path, args, ...[dev, ino, size, mtimeNs, ctimeNs].map(String)])
  } catch {
    return undefined
  }
}

type Answers = Readonly<Record<string, FeaturesAnswer>>

/** A cache that cannot be read is none. */
function recall(directory: string | undefined): Answers {
  if (directory === undefined) return {}
  try {
    const { version, answers } = JSON.parse(readFileSync(join(directory, FILE), 'utf8'))
    return version === VERSION && isTable(answers) ? (answers as Answers) : {}
  } catch {
    return {}
  }
}

/** Only a convenience for the next call: one that cannot be written, or that another one writes over, costs a probe. */
function remember(directory: string | undefined, key: string, answer: FeaturesAnswer): void {
  if (directory === undefined) return
  const { [key]: _, ...others } = recall(directory)
  const answers = Object.fromEntries([...Object.entries(others).slice(1 - MOST), [key, answer]])
  try {
    makeDirectories(directory, 0o700)
    replaceFile(join(directory, FILE), JSON.stringify({ version: VERSION, answers }), 0o600)
  } catch {
    // a read-only or missing home
  }
}
