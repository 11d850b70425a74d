/** `usnea limits`: what holds each limit that a container was asked to have. */
import { RuntimeError } from '../../base/errors.ts'
import { defineCommand } from '../command.ts'
import { formatFlags, readFormat } from '../print/format.ts'
import { printLimits } from '../print/limits.ts'

export const command = defineCommand({
  name: 'limits',
  usage: 'ID',
  summary:
    'list the limits of a container, and what enforces each: cgroup, systemd, rlimit, watchdog, resctrl, or nothing',
  flags: [...formatFlags, { name: 'strict', kind: 'boolean', help: 'fail when nothing enforces one of them' }],
  count: [1, 1],
  async run({ flags, args: [id = ''] }, session) {
    const format = readFormat(flags)
    const { limits } = await import('../../container/limits.ts')
    const found = await limits(await session.context(), id)
    session.print(format === 'json' ? `${JSON.stringify(found)}\n` : printLimits(found))
    const loose = found.filter(({ enforcedBy }) => enforcedBy === 'nothing')
    if (!flags.strict || loose.length === 0) return 0
    throw new RuntimeError('limit-unheld', { details: loose.map(({ limit, detail = '' }) => `${limit}: ${detail}`) })
  },
})
