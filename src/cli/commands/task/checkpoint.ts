/** `usnea task checkpoint`. */
import { defineCommand } from '../../command.ts'
import { targetOf, taskFlags, withTasks } from '../../tasks-session.ts'

export const command = defineCommand({
  name: 'task checkpoint',
  usage: 'ID DIR',
  summary: 'save a task to files in a directory',
  flags: [...taskFlags, { name: 'exit', kind: 'boolean', help: 'end it afterwards' }],
  count: [2, 2],
  slow: () => 'saving the task',
  async run({ flags, args: [id = '', directory = ''] }, session) {
    const path = session.path(directory)
    await withTasks(flags, session, (tasks) => tasks.checkpoint({ ...targetOf(flags, id), path, exit: flags.exit }))
    return 0
  },
})
