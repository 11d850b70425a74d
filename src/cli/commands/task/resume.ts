/** `usnea task resume`. */
import { defineCommand } from '../../command.ts'
import { targetOf, taskFlags, withTasks } from '../../tasks-session.ts'

export const command = defineCommand({
  name: 'task resume',
  usage: 'ID',
  summary: 'let a paused task go on',
  flags: taskFlags,
  count: [1, 1],
  slow: () => 'resuming the task',
  async run({ flags, args: [id = ''] }, session) {
    await withTasks(flags, session, (tasks) => tasks.resume(targetOf(flags, id)))
    return 0
  },
})
