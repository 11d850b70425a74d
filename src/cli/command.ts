/** What a file in commands/ exports: the grammar of a verb, the words of its help, and what it does. */
import type { Call, Flag, Grammar } from './flags.ts'
import type { Session } from './session.ts'

export interface Command<Flags extends readonly Flag[] = readonly Flag[]> extends Grammar<Flags> {
  /** The arguments as help shows them, such as `ID [SIGNAL]`. */
  readonly usage: string
  readonly summary: string
  /** Calls to begin with, each with a remark behind `#` where it needs one. */
  readonly examples?: readonly string[]
  /** Does a person wait for it? Then notes go to stderr even when that is no terminal. */
  isForeground?(call: Call<Flags>): boolean
  /** What a terminal says while it takes longer than a second. Not for what lends the terminal to another program. */
  slow?(call: Call<Flags>): string | undefined
  /** Commands that are called by a second word. */
  readonly parts?: Verbs
  /** `verbs` are all that there are, for those that tell of the others. Resolves to the exit status. */
  run(call: Call<Flags>, session: Session, verbs: Verbs): Promise<number>
}

export interface Verb {
  readonly summary: string
  readonly load: () => Promise<Command>
}

/** By the word that calls each. */
export type Verbs = Readonly<Record<string, Verb>>

/** Types the flags of `run` after the table; the result forgets them, for all commands are called alike. */
export function defineCommand<const Flags extends readonly Flag[]>(command: Command<Flags>): Command {
  return command as unknown as Command
}
