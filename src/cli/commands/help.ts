/** `usnea help [COMMAND]`: the same as --help. */
import { defineCommand } from '../command.ts'
import { findCommand } from '../find-command.ts'
import { commandHelp, programHelp } from '../help.ts'

export const command = defineCommand({
  name: 'help',
  usage: '[COMMAND]',
  summary: 'explain a command',
  flags: [],
  count: [0, 1],
  async run({ args: [name] }, session, verbs) {
    session.print(name === undefined ? await programHelp(verbs) : await commandHelp(await findCommand(name, verbs)))
    return 0
  },
})
