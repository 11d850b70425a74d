/** `usnea task state`. */
import { defineCommand } from '../../command.ts'
import { targetOf, taskFlags, withTasks } from '../../tasks-session.ts'

export const command = defineCommand({
  name: 'task state',
  usage: 'ID',
  summary: 'print all that is known of a task, as JSON',
  flags: taskFlags,
  count: [1, 1],
  slow: () => 'asking the task service',
  async run({ flags, args: [id = ''] }, session) {
    const state = await withTasks(flags, session, (tasks) => tasks.state(targetOf(flags, id)))
    session.print(`${JSON.stringify(state, null, 2)}\n`)
    return 0
  },
})
