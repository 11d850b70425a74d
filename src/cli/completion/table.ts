/** All verbs with their options and arguments, for completions and for manual pages. */
import type { Command, Verbs } from '../command.ts'
import { examples as allExamples } from '../examples.ts'
import { type Flag, globalFlags, sandboxFlags } from '../flags.ts'
import { type Kind, kindOfFlag, kindsOfUsage } from './kinds.ts'

export interface Entry {
  /** `list`, `task list`; empty for what stands before a verb. */
  readonly name: string
  readonly summary: string
  /** The arguments, in words. */
  readonly usage: string
  readonly examples: readonly string[]
  readonly flags: readonly Flag[]
  readonly args: readonly Kind[]
  /** From the first argument on, or behind it, are the words of somebody else. */
  readonly tail: Command['tail']
  readonly parts: readonly Entry[]
}

/** All of them are loaded. */
export async function readVerbs(table: Verbs, prefix = ''): Promise<Entry[]> {
  return await Promise.all(
    Object.entries(table).map(async ([word, { summary, load }]) => {
      const { flags, usage, tail, parts, examples } = await load()
      const name = `${prefix}${word}`
      return {
        name,
        summary,
        usage,
        examples: examples ?? allExamples[name] ?? [],
        flags: flags.filter(isShown),
        args: kindsOfUsage(name, usage),
        tail,
        parts: parts === undefined ? [] : await readVerbs(parts, `${name} `),
      }
    }),
  )
}

/** What may stand before a verb: our own options, and those of `usnea -- CMD`. */
export function beforeVerbs(): Entry {
  const flags = [...globalFlags, ...sandboxFlags].filter(isShown)
  return {
    name: '',
    summary: '',
    usage: '',
    examples: allExamples.sandbox ?? [],
    flags,
    args: ['verbs'],
    tail: undefined,
    parts: [],
  }
}

export const isShown = ({ status }: Flag): boolean => status === undefined

/** `--name` and its letters. */
export const wordsOf = ({ name, short = '' }: Flag): string[] => [
  `--${name}`,
  ...[...short].map((letter) => `-${letter}`),
]

export const takesValue = ({ kind }: Flag): boolean => kind !== 'boolean'

export { kindOfFlag }
