/** `usnea start`: lets the program of a created container begin. */
import { defineCommand } from '../command.ts'
import { given } from '../given.ts'

export const command = defineCommand({
  name: 'start',
  usage: 'ID',
  summary: 'start the program of a created container',
  flags: [{ name: 'answer', kind: 'text', help: 'what the gate said to native/quick', status: 'internal' }],
  count: [1, 1],
  async run({ flags, args: [id = ''] }, session) {
    const { start } = await import('../../container/start.ts')
    const answer = flags.answer === undefined ? undefined : Buffer.from(flags.answer, 'hex')
    await start(await session.context(), id, given({ answer }))
    return 0
  },
})
