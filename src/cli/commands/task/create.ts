/** `usnea task create`. */
import { defineCommand } from '../../command.ts'
import { createWish, makeFlags } from '../../task-wish.ts'
import { withTasks } from '../../tasks-session.ts'

export const command = defineCommand({
  name: 'task create',
  usage: 'ID',
  summary: 'make a task: its bundle, a shim, and the container up to its program',
  flags: [
    ...makeFlags,
    { name: 'interactive', short: 'i', kind: 'boolean', help: 'its input and output are for who attaches' },
    { name: 'no-output', kind: 'boolean', help: 'its output goes nowhere, instead of into a log' },
  ],
  count: [1, 1],
  slow: () => 'making the task',
  async run({ flags, args: [id = ''] }, session) {
    const io = (terminal: boolean) => {
      if (terminal || flags.interactive)
        return { kind: 'fifo' as const, terminal, stdin: flags.interactive || terminal }
      return { kind: flags['no-output'] ? ('null' as const) : ('log' as const) }
    }
    const wish = await createWish({ values: flags, id, io }, session)
    await withTasks(flags, session, (tasks) => tasks.create(wish))
    return 0
  },
})
