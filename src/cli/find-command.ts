/** A word becomes a command, or the error that names the nearest one. */
import { RuntimeError } from '../base/errors.ts'
import { nearest } from '../base/nearest.ts'
import type { Command, Verbs } from './command.ts'

/** Loads a verb. Throws `usage` with the nearest name. */
export async function findCommand(name: string, verbs: Verbs): Promise<Command> {
  const verb = Object.hasOwn(verbs, name) ? verbs[name] : undefined
  if (verb !== undefined) return await verb.load()
  const meant = nearest(name, Object.keys(verbs))
  throw new RuntimeError('usage', {
    what: `No help topic for '${name}': unknown command`,
    fix: `${meant === undefined ? 'see usnea --help' : `use ${meant}`}; to run a program in a sandbox: usnea -- ${name}`,
  })
}

/** `task list`: a word of a command may be a command of its own. Throws `usage` with the nearest name. */
export async function findSubcommand(
  command: Command,
  rest: readonly string[],
): Promise<{ command: Command; words: readonly string[] }> {
  const { parts } = command
  const [word, ...words] = rest
  if (parts === undefined || word === undefined || word.startsWith('-')) return { command, words: rest }
  const part = Object.hasOwn(parts, word) ? parts[word] : undefined
  if (part !== undefined) return { command: await part.load(), words }
  const meant = nearest(word, Object.keys(parts))
  throw new RuntimeError('usage', {
    what: `unknown command: ${command.name} ${word}`,
    fix: meant === undefined ? `see usnea ${command.name} --help` : `use ${command.name} ${meant}`,
  })
}
