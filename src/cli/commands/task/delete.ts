/** `usnea task delete`. */
import { isRuntimeError } from '../../../base/errors.ts'
import { defineCommand } from '../../command.ts'
import { given } from '../../given.ts'
import { targetOf, taskFlags, withTasks } from '../../tasks-session.ts'

export const command = defineCommand({
  name: 'task delete',
  usage: 'ID…',
  summary: 'remove tasks that have ended',
  flags: [
    ...taskFlags,
    { name: 'force', short: 'f', kind: 'boolean', help: 'end what still runs; one that is missing is no error' },
    { name: 'exec-id', kind: 'text', value: 'NAME', help: 'only this process of the task' },
  ],
  count: [1, Number.MAX_SAFE_INTEGER],
  slow: () => 'removing tasks',
  async run({ flags, args }, session) {
    const { force } = flags
    await withTasks(flags, session, async (tasks) => {
      for (const id of args) {
        const target = { ...targetOf(flags, id), ...given({ execId: flags['exec-id'] }), force }
        await tasks.delete(target).catch((error: unknown) => {
          if (!force || !isRuntimeError(error, 'task-missing')) throw error
        })
      }
    })
    return 0
  },
})
