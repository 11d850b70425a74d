/** `usnea task logs`. */
import { RuntimeError } from '../../../base/errors.ts'
import { defineCommand } from '../../command.ts'
import { openTasks, targetOf, taskFlags } from '../../tasks-session.ts'

export const command = defineCommand({
  name: 'task logs',
  usage: 'ID',
  summary: 'print the output of a detached task',
  flags: [...taskFlags, { name: 'follow', short: 'f', kind: 'boolean', help: 'go on until it ends' }],
  count: [1, 1],
  isForeground: () => true,
  async run({ flags, args: [id = ''] }, session) {
    const target = targetOf(flags, id)
    await using connection = await openTasks(flags.service, session)
    const { copyLog, logPath } = await import('../../../tasks/attach.ts')
    const path = logPath((await connection.tasks.state(target)).io.stdout)
    if (path === undefined)
      throw new RuntimeError('task-request', { what: `task ${id} has no log`, fix: `usnea task attach ${id}` })
    await copyLog(path, process.stdout, flags.follow ? connection.tasks.wait(target) : undefined)
    return 0
  },
})
