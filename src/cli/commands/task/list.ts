/** `usnea task list`. */
import { defineCommand } from '../../command.ts'
import { printTasks } from '../../print/task.ts'
import { targetOf, taskFlags, withTasks } from '../../tasks-session.ts'

export const command = defineCommand({
  name: 'task list',
  usage: '',
  summary: 'list the tasks of a namespace',
  flags: [
    ...taskFlags,
    { name: 'quiet', short: 'q', kind: 'boolean', help: 'print ids only' },
    { name: 'json', kind: 'boolean', help: 'print JSON' },
  ],
  count: [0, 0],
  slow: () => 'asking the task service',
  async run({ flags }, session) {
    const { tasks, problems } = await withTasks(flags, session, async (tasks) => ({
      tasks: await tasks.list(targetOf(flags, '')),
      problems: (await tasks.info({})).problems,
    }))
    for (const problem of problems) session.note(problem, true)
    if (flags.json) session.print(`${JSON.stringify(tasks)}\n`)
    else session.print(flags.quiet ? tasks.map(({ id }) => `${id}\n`).join('') : printTasks(tasks))
    return 0
  },
})
