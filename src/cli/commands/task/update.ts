/** `usnea task update`. */
import { readFileSync } from 'node:fs'
import { RuntimeError } from '../../../base/errors.ts'
import { defineCommand } from '../../command.ts'
import { targetOf, taskFlags, withTasks } from '../../tasks-session.ts'

export const command = defineCommand({
  name: 'task update',
  usage: 'ID FILE',
  summary: 'change limits of a task: FILE holds `linux.resources` of config.json; - is stdin',
  flags: taskFlags,
  count: [2, 2],
  slow: () => 'asking the task service',
  async run({ flags, args: [id = '', file = ''] }, session) {
    const resources = parse(readFileSync(file === '-' ? 0 : session.path(file), 'utf8'), file)
    await withTasks(flags, session, (tasks) => tasks.update({ ...targetOf(flags, id), resources }))
    return 0
  },
})

function parse(text: string, file: string): object {
  try {
    return JSON.parse(text) as object
  } catch (cause) {
    throw new RuntimeError('task-request', { what: `${file} is not valid JSON`, why: (cause as Error).message, cause })
  }
}
