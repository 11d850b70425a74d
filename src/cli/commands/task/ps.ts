/** `usnea task ps`. */
import { defineCommand } from '../../command.ts'
import { printTable } from '../../print/table.ts'
import { targetOf, taskFlags, withTasks } from '../../tasks-session.ts'

export const command = defineCommand({
  name: 'task ps',
  usage: 'ID',
  summary: 'list the processes of a task',
  flags: [...taskFlags, { name: 'json', kind: 'boolean', help: 'print JSON' }],
  count: [1, 1],
  slow: () => 'asking the task service',
  async run({ flags, args: [id = ''] }, session) {
    const pids = await withTasks(flags, session, (tasks) => tasks.pids(targetOf(flags, id)))
    const rows = pids.map(({ pid, execId }) => [String(pid), execId ?? '-'])
    session.print(flags.json ? `${JSON.stringify(pids)}\n` : printTable([['PID', 'INFO'], ...rows]))
    return 0
  },
})
