/** `usnea task run`. */
import { defineCommand } from '../../command.ts'
import { stay } from '../../task-foreground.ts'
import { createWish, makeFlags } from '../../task-wish.ts'
import { openTasks, patiently, withTasks } from '../../tasks-session.ts'

export const command = defineCommand({
  name: 'task run',
  usage: 'ID',
  summary: 'create and start a task; unless detached, the exit status is that of its program',
  flags: [
    ...makeFlags,
    { name: 'detach', short: 'd', kind: 'boolean', help: 'do not wait for the end; its output goes into a log' },
    { name: 'keep', kind: 'boolean', help: 'do not remove the task at its end' },
  ],
  count: [1, 1],
  isForeground: () => true,
  async run({ flags, args: [id = ''] }, session) {
    const io = (terminal: boolean) =>
      flags.detach && !terminal ? { kind: 'log' as const } : { kind: 'fifo' as const, terminal, stdin: true }
    const wish = await createWish({ values: flags, id, io }, session)
    const target = { namespace: wish.namespace, id }
    {
      await using connection = await openTasks(flags.service, session)
      const { tasks } = connection
      const { io: made } = await tasks.create(wish)
      const { attach } = await import('../../../tasks/attach.ts')
      const attachment = flags.detach ? undefined : attach(made)
      try {
        await tasks.start(target)
      } catch (error) {
        attachment?.close()
        await tasks.delete({ ...target, force: true }).catch(() => {})
        throw error
      }
      if (attachment === undefined) return 0
      await stay({ tasks, target, attachment, terminal: made.terminal })
    }
    // The service may have ended meanwhile: the task has not.
    const { exitStatus } = await patiently(flags, session, (tasks) => tasks.wait(target))
    if (!flags.keep) await withTasks(flags, session, (tasks) => tasks.delete(target))
    return exitStatus
  },
})
