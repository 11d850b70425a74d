/** `usnea task wait`. */
import { defineCommand } from '../../command.ts'
import { given } from '../../given.ts'
import { patiently, targetOf, taskFlags } from '../../tasks-session.ts'

export const command = defineCommand({
  name: 'task wait',
  usage: 'ID',
  summary: 'wait for the end of a task, also of one that is gone already, and print its exit status',
  flags: [
    ...taskFlags,
    { name: 'exec-id', kind: 'text', value: 'NAME', help: 'wait for this process of it' },
    { name: 'json', kind: 'boolean', help: 'print JSON' },
  ],
  count: [1, 1],
  isForeground: () => true,
  async run({ flags, args: [id = ''] }, session) {
    const target = { ...targetOf(flags, id), ...given({ execId: flags['exec-id'] }) }
    const exit = await patiently(flags, session, (tasks) => tasks.wait(target))
    session.print(flags.json ? `${JSON.stringify(exit)}\n` : `${exit.exitStatus}\n`)
    return 0
  },
})
