/** One target, many inputs: what gives a new kind of answer is kept to go on from. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { denials } from './denials.ts'
import { documents } from './documents.ts'
import { below, type Json, mutateBytes, mutateJson, pick, type Random, randomFrom } from './mutate.ts'
import { network } from './network.ts'
import { policy } from './policy.ts'
import { answerOf, type Target } from './target.ts'
import { tasks } from './tasks.ts'
import { texts } from './texts.ts'

export const targets: readonly Target[] = [...documents, ...texts, ...tasks, ...network, ...policy, ...denials]

export interface Limits {
  readonly seconds?: number
  /** Executions. */
  readonly most?: number
  readonly seed: number
}

export interface Report {
  readonly runs: number
  /** Kinds of answers. */
  readonly kept: number
  readonly crash: { readonly input: Buffer; readonly error: string } | undefined
}

/** Longer than this for one input is as bad as a crash: somebody could stop us with it. */
const SLOWEST_MS = 2000
const LARGEST_POOL = 4000
/** Bytes. A mutation may copy a part of a document into another: what grew beyond this is tried, but grows no further. */
const LARGEST_PARENT = 64 * 1024

/** Seeds, and what once broke something. */
export function corpusOf({ name, seeds }: Target): Buffer[] {
  const folder = join(import.meta.dirname, 'corpus', name)
  const kept = existsSync(folder) ? readdirSync(folder).map((file) => readFileSync(join(folder, file))) : []
  return [...seeds.map((seed) => Buffer.from(seed)), ...kept]
}

export function fuzz(
  target: Target,
  { seconds = Number.POSITIVE_INFINITY, most = Number.POSITIVE_INFINITY, seed }: Limits,
): Report {
  const random = randomFrom(seed)
  const pool = corpusOf(target)
  const first = pool.length
  const answers = new Set<string>()
  const deadline = performance.now() + seconds * 1000
  let runs = 0
  for (; runs < most && performance.now() < deadline; runs++) {
    const input = runs < first ? (pool[runs] as Buffer) : next(random, target, pool)
    const began = performance.now()
    try {
      const answer = answerOf(target, input)
      const isNew = !answers.has(answer)
      if (isNew && answers.size < LARGEST_POOL) answers.add(answer)
      const canGrow = pool.length < LARGEST_POOL && input.length <= LARGEST_PARENT
      if (isNew && canGrow && runs >= first) pool.push(input)
    } catch (error) {
      return {
        runs,
        kept: answers.size,
        crash: { input, error: String((error as Error).stack ?? error) },
      }
    }
    const taken = performance.now() - began
    if (taken > SLOWEST_MS) return { runs, kept: answers.size, crash: { input, error: `took ${taken.toFixed()} ms` } }
  }
  return { runs, kept: answers.size, crash: undefined }
}

function next(random: Random, { isJson, words = [] }: Target, pool: readonly Buffer[]): Buffer {
  const parent = pick(random, pool)
  if (isJson === true && below(random, 4) > 0) {
    const value = jsonOf(parent)
    if (value !== undefined) return Buffer.from(JSON.stringify(mutateJson(random, value, words)))
  }
  return mutateBytes(random, parent, words, pick(random, pool))
}

function jsonOf(bytes: Buffer): Json | undefined {
  try {
    return JSON.parse(bytes.toString()) as Json
  } catch {
    return undefined
  }
}
