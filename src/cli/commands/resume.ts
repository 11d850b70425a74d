/** `usnea resume`: what was paused goes on. */
import { defineCommand } from '../command.ts'

export const command = defineCommand({
  name: 'resume',
  usage: 'ID',
  summary: 'let the processes of a paused container go on',
  flags: [],
  count: [1, 1],
  async run({ args: [id = ''] }, session) {
    const { resume } = await import('../../container/pause.ts')
    await resume(await session.context(), id)
    return 0
  },
})
