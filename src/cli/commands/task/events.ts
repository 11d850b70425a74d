/** `usnea task events`. */
import { defineCommand } from '../../command.ts'
import { printEvents } from '../../print/task.ts'
import { patiently, targetOf, taskFlags } from '../../tasks-session.ts'

export const command = defineCommand({
  name: 'task events',
  usage: '',
  summary: 'print what happened in a namespace, in order; nothing is missed between two calls with --from',
  flags: [
    ...taskFlags,
    { name: 'from', kind: 'number', value: 'N', help: 'begin with event N, instead of the oldest that is kept' },
    { name: 'follow', short: 'f', kind: 'boolean', help: 'go on with what happens' },
    { name: 'json', kind: 'boolean', help: 'print JSON, with the number of each event' },
  ],
  count: [0, 0],
  isForeground: () => true,
  async run({ flags }, session) {
    const { namespace } = targetOf(flags, '')
    for (let from = flags.from ?? 0; ; ) {
      const { events, next } = await patiently(flags, session, (tasks) =>
        tasks.events({ namespace, from, wait: flags.follow }),
      )
      session.print(printEvents(events, flags.json))
      if (events.length === 0 && !flags.follow) return 0
      from = next
    }
  },
})
