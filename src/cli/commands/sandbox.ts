/** `usnea sandbox` and `usnea -- CMD`: one command, shut in. */
import { defineCommand } from '../command.ts'
import { explained } from '../explained.ts'
import { sandboxFlags } from '../flags.ts'
import { openLogs } from '../logs.ts'
import { readPolicy } from '../sandbox-policy.ts'

export const command = defineCommand({
  name: 'sandbox',
  usage: '[--] CMD …',
  summary: 'run a command in a sandbox; the exit status is its own, or 124 (time ran out), 125 (set-up), 126, 127',
  flags: sandboxFlags,
  count: [1, Number.POSITIVE_INFINITY],
  tail: 'command',
  isForeground: () => true,
  async run({ flags, tail }, session) {
    const policy = await readPolicy(flags, session)
    if (await explained(flags, policy, session)) return 0
    const { runForeground } = await import('../../sandbox/foreground.ts')
    const note = (message: string) => session.note(message)
    using log = await openLogs(flags, policy.options, session)
    const surroundings = { host: await session.host(), note }
    return await runForeground({ ...policy.options, ...log?.options(policy.options) }, [...tail], surroundings)
  },
})
