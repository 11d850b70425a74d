/** What is fuzzed: a parser, or what stands behind one, with inputs to begin from and properties that must hold. */
import { RuntimeError } from '../../src/base/errors.ts'

export interface Target {
  readonly name: string
  /** JSON is changed by its values as well as by its bytes. */
  readonly isJson?: boolean
  readonly seeds: readonly (string | Buffer)[]
  /** Words that mean something to it. */
  readonly words?: readonly string[]
  /**
   * Throws when a property does not hold. A RuntimeError is an answer like another. Returns what kind of answer it was:
   * an input with a new kind is kept to go on from.
   */
  readonly run: (input: Buffer) => string
}

/** The answer of a target, with errors that are answers. */
export function answerOf(target: Target, input: Buffer): string {
  try {
    return target.run(input)
  } catch (error) {
    if (error instanceof RuntimeError && error.code !== 'internal') return `refused: ${error.code}`
    throw error
  }
}

/** The kind of a sentence: without the values in it. */
export const kindOf = (sentence: string): string => sentence.replaceAll(/"[^"]*"|\d+/g, '…').slice(0, 80)
