/** `usnea task start`. */
import { defineCommand } from '../../command.ts'
import { targetOf, taskFlags, withTasks } from '../../tasks-session.ts'

export const command = defineCommand({
  name: 'task start',
  usage: 'ID',
  summary: 'start what was created',
  flags: taskFlags,
  count: [1, 1],
  slow: () => 'starting the task',
  async run({ flags, args: [id = ''] }, session) {
    await withTasks(flags, session, (tasks) => tasks.start(targetOf(flags, id)))
    return 0
  },
})
