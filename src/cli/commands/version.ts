/** `usnea version`: the same as --version. */
import { defineCommand } from '../command.ts'
import { versionText } from '../version.ts'

export const command = defineCommand({
  name: 'version',
  usage: '',
  summary: 'print the version',
  flags: [],
  count: [0, 0],
  async run(_call, session) {
    session.print(versionText())
    return 0
  },
})
