/** `usnea state`: the state of a container as the runtime specification words it. */
import { defineCommand } from '../command.ts'

export const command = defineCommand({
  name: 'state',
  usage: 'ID',
  summary: 'print the state of a container as JSON',
  flags: [],
  count: [1, 1],
  async run({ args: [id = ''] }, session) {
    const { state } = await import('../../container/state.ts')
    const { stateText } = await import('../../container/state-text.ts')
    session.print(stateText(await state(await session.context(), id)))
    return 0
  },
})
