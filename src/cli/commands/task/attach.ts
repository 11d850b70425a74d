/** `usnea task attach`. */
import { defineCommand } from '../../command.ts'
import { stay } from '../../task-foreground.ts'
import { openTasks, patiently, targetOf, taskFlags } from '../../tasks-session.ts'

export const command = defineCommand({
  name: 'task attach',
  usage: 'ID',
  summary: 'take the input and output of a task, until it ends; its exit status is ours',
  flags: taskFlags,
  count: [1, 1],
  isForeground: () => true,
  async run({ flags, args: [id = ''] }, session) {
    const target = targetOf(flags, id)
    {
      await using connection = await openTasks(flags.service, session)
      const { tasks } = connection
      const { io } = await tasks.state(target)
      const { attach } = await import('../../../tasks/attach.ts')
      await stay({ tasks, target, attachment: attach(io), terminal: io.terminal })
    }
    return (await patiently(flags, session, (tasks) => tasks.wait(target))).exitStatus
  },
})
