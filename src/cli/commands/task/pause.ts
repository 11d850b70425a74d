/** `usnea task pause`. */
import { defineCommand } from '../../command.ts'
import { targetOf, taskFlags, withTasks } from '../../tasks-session.ts'

export const command = defineCommand({
  name: 'task pause',
  usage: 'ID',
  summary: 'let all processes of a task stand still',
  flags: taskFlags,
  count: [1, 1],
  slow: () => 'pausing the task',
  async run({ flags, args: [id = ''] }, session) {
    await withTasks(flags, session, (tasks) => tasks.pause(targetOf(flags, id)))
    return 0
  },
})
