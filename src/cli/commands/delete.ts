/** `usnea delete`: removes a container and everything we made for it. */
import { defineCommand } from '../command.ts'

export const command = defineCommand({
  name: 'delete',
  usage: 'ID',
  summary: 'remove a container that has ended or was never started',
  flags: [
    { name: 'force', short: 'f', kind: 'boolean', help: 'kill it first; a missing one is no error' },
    { name: 'regex', short: 'r', kind: 'boolean', help: 'ID is a regular expression: all that match' },
    { name: 'ended', kind: 'text', help: 'only the one whose first process was PID:START', status: 'internal' },
  ],
  count: [1, 1],
  slow: () => 'removing the container',
  async run({ flags, args: [id = ''] }, session) {
    const { remove } = await import('../../container/delete.ts')
    const ctx = await session.context()
    if (flags.ended !== undefined) {
      const { removeEnded } = await import('../../container/take-away.ts')
      await removeEnded(ctx, id, flags.ended)
      return 0
    }
    const one = (name: string) => remove(ctx, name, { force: flags.force })
    if (!flags.regex) await one(id)
    else await (await import('../../container/matching.ts')).forMatching(ctx.root, id, one)
    return 0
  },
})
