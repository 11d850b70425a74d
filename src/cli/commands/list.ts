/** `usnea list`: every container below the state directory. */
import { accessSync } from 'node:fs'
import { errnoOf, RuntimeError } from '../../base/errors.ts'
import { defineCommand } from '../command.ts'
import { formatFlags, readFormat } from '../print/format.ts'
import { printIds, printListJson, printListTable } from '../print/list.ts'

export const command = defineCommand({
  name: 'list',
  usage: '',
  summary: 'list the containers of the state directory',
  flags: [...formatFlags, { name: 'quiet', short: 'q', kind: 'boolean', help: 'print ids only' }],
  count: [0, 0],
  slow: () => 'looking at the containers',
  async run({ flags }, session) {
    const format = readFormat(flags)
    const root = await session.stateRoot()
    if (root.source === 'option') assertReadable(root.path)
    const { list } = await import('../../container/list.ts')
    const { containers, unreadable } = await list(await session.context())
    for (const { id, reason } of unreadable) session.complain(`load container ${id}: ${reason}`)
    if (flags.quiet) session.print(printIds(containers))
    else session.print(format === 'json' ? printListJson(containers) : printListTable(containers))
    return 0
  },
})

/** A default directory that was never made holds no containers; one that was named must be there. */
function assertReadable(root: string): void {
  try {
    accessSync(root)
  } catch (error) {
    const errno = errnoOf(error) ?? 'ENOENT'
    throw new RuntimeError('root-unusable', { what: `the state directory ${root} cannot be read`, errno, cause: error })
  }
}
