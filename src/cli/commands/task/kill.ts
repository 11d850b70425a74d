/** `usnea task kill`. */
import { defineCommand } from '../../command.ts'
import { given } from '../../given.ts'
import { signalOf, targetOf, taskFlags, withTasks } from '../../tasks-session.ts'

export const command = defineCommand({
  name: 'task kill',
  usage: 'ID [SIGNAL]',
  summary: 'send a signal (TERM): a number, or a name such as HUP, SIGHUP or RTMIN+3',
  flags: [
    ...taskFlags,
    { name: 'all', short: 'a', kind: 'boolean', help: 'signal every process of the task' },
    { name: 'exec-id', kind: 'text', value: 'NAME', help: 'signal this process of it' },
  ],
  count: [1, 2],
  slow: () => 'asking the task service',
  async run({ flags, args: [id = '', name = 'TERM'] }, session) {
    const signal = await signalOf(name)
    const target = { ...targetOf(flags, id), ...given({ execId: flags['exec-id'] }) }
    await withTasks(flags, session, (tasks) => tasks.kill({ ...target, signal, all: flags.all }))
    return 0
  },
})
