/** `usnea help [COMMAND]`: the same as --help. */
import { defineCommand } from '../command.ts'
import { commandHelp, programHelp } from '../help.ts'
import { findCommand } from '../verbs.ts'

export const command = defineCommand({
  name: 'help',
  usage: '[COMMAND]',
  summary: 'explain a command',
  flags: [],
  count: [0, 1],
  async run({ args: [name] }, session) {
    session.print(name === undefined ? await programHelp() : await commandHelp(await findCommand(name)))
    return 0
  },
})
