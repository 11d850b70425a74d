/** `usnea start`: lets the program of a created container begin. */
import { defineCommand } from '../command.ts'

export const command = defineCommand({
  name: 'start',
  usage: 'ID',
  summary: 'start the program of a created container',
  flags: [],
  count: [1, 1],
  async run({ args: [id = ''] }, session) {
    const { start } = await import('../../container/start.ts')
    await start(await session.context(), id)
    return 0
  },
})
