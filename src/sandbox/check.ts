/** Would this policy hold here? Answered by trying it. */
import { type Code, isRuntimeError } from '../base/errors.ts'
import type { Degradation } from '../base/issue.ts'
import type { Level } from '../host/level.ts'
import type { Demanded } from './level-words.ts'
import type { SandboxOptions } from './options.ts'
import { sandbox } from './sandbox.ts'

export interface Problem {
  readonly code: Code | undefined
  readonly message: string
  /** What mends it, where that is known. */
  readonly fix: string | undefined
}

export interface Check {
  /** Commands run under this policy: one did. */
  readonly isSupported: boolean
  /** `X`: none. */
  readonly level: Level
  /** What is had of all that `require` can name; nothing where the policy does not hold. */
  readonly parts: Readonly<Partial<Record<Demanded, boolean>>>
  /** What is had in a weaker form on this machine. */
  readonly degradations: readonly Degradation[]
  /** What is in the way; empty where the policy holds. */
  readonly problems: readonly Problem[]
  /** The fixes of the problems, for people. */
  readonly fixes: readonly string[]
}

const PATIENCE_MS = 10_000

/** Never throws and never rejects. Runs `true` in the sandbox, and leaves nothing behind: no layer is made. */
export async function check(policy: SandboxOptions = {}): Promise<Check> {
  try {
    const { layer: _, ...options } = policy
    await using box = sandbox(options)
    const { degradations } = await tried(box.run(['true'], { timeout: PATIENCE_MS, reject: false }))
    return {
      ...nothing,
      isSupported: true,
      level: box.level,
      parts: box.parts,
      degradations: [...box.degradations, ...degradations],
    }
  } catch (error) {
    const problem = problemOf(error)
    return { ...nothing, problems: [problem], fixes: problem.fix === undefined ? [] : [problem.fix] }
  }
}

const nothing = { isSupported: false, level: 'X', parts: {}, degradations: [], problems: [], fixes: [] } as const

/** A program that is not there has got as far as any. */
async function tried<Result extends { failed: boolean; code?: Code }>(running: Promise<Result>): Promise<Result> {
  const result = await running
  if (result.failed && !result.code?.startsWith('exec-')) throw result
  return result
}

function problemOf(error: unknown): Problem {
  if (isRuntimeError(error)) return { code: error.code, message: error.message, fix: error.fix }
  return { code: undefined, message: error instanceof Error ? error.message : String(error), fix: undefined }
}
