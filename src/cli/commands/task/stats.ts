/** `usnea task stats`. */
import { defineCommand } from '../../command.ts'
import { printMetrics } from '../../print/task.ts'
import { targetOf, taskFlags, withTasks } from '../../tasks-session.ts'

export const command = defineCommand({
  name: 'task stats',
  usage: 'ID',
  summary: 'print what the cgroup of a task has counted',
  flags: [...taskFlags, { name: 'json', kind: 'boolean', help: 'print JSON' }],
  count: [1, 1],
  slow: () => 'asking the task service',
  async run({ flags, args: [id = ''] }, session) {
    const stats = await withTasks(flags, session, (tasks) => tasks.stats(targetOf(flags, id)))
    session.print(flags.json ? `${JSON.stringify(stats)}\n` : printMetrics(stats.metrics))
    return 0
  },
})
