/** `usnea events`: statistics and memory shortages of a container, one JSON object a line. */
import { RuntimeError } from '../../base/errors.ts'
import { parseDuration } from '../../base/units.ts'
import { defineCommand } from '../command.ts'
import { printEvent } from '../print/event.ts'

export const command = defineCommand({
  name: 'events',
  usage: 'ID',
  summary: 'print what a container uses, and when it runs out of memory, until it ends',
  flags: [
    {
      name: 'interval',
      kind: 'text',
      value: 'TIME',
      help: 'between two statistics, such as 1s or 500ms (5s)',
      empty: 'kept',
    },
    { name: 'stats', kind: 'boolean', help: 'print the statistics once' },
  ],
  count: [1, 1],
  async run({ flags, args: [id = ''] }, session) {
    const interval = readInterval(flags.interval ?? '5s')
    const { events, stats } = await import('../../container/events.ts')
    const ctx = await session.context()
    if (flags.stats) session.print(printEvent(await stats(ctx, id)))
    else for await (const event of events(ctx, id, interval)) session.print(printEvent(event))
    return 0
  },
})

function readInterval(text: string): number {
  const interval = parseDuration(text)
  if (interval === undefined && !text.startsWith('-'))
    throw new RuntimeError('usage', { what: `invalid value "${text}" for --interval`, fix: 'such as 5s or 500ms' })
  if (interval === undefined || interval <= 0)
    throw new RuntimeError('usage', { what: 'duration interval must be greater than 0' })
  return interval
}
