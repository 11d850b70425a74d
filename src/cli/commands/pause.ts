/** `usnea pause`: all processes of a container stand still. */
import { defineCommand } from '../command.ts'

export const command = defineCommand({
  name: 'pause',
  usage: 'ID',
  summary: 'let all processes of a container stand still',
  flags: [],
  count: [1, 1],
  slow: () => 'pausing the container',
  async run({ args: [id = ''] }, session) {
    const { pause } = await import('../../container/pause.ts')
    await pause(await session.context(), id)
    return 0
  },
})
