/** `usnea sandbox` and `usnea -- CMD`: one command, shut in. */
import { defineCommand } from '../command.ts'
import { sandboxFlags } from '../flags.ts'
import { given } from '../given.ts'
import { NetworkLog } from '../network-log.ts'
import { readSandboxOptions } from '../sandbox-options.ts'

export const command = defineCommand({
  name: 'sandbox',
  usage: '[--] CMD …',
  summary: 'run a command in a sandbox; the exit status is its own, or 124 (time ran out), 125 (set-up), 126, 127',
  flags: sandboxFlags,
  count: [1, Number.POSITIVE_INFINITY],
  tail: 'command',
  isForeground: () => true,
  async run({ flags, tail }, session) {
    const options = readSandboxOptions(flags, session)
    const { runForeground } = await import('../../sandbox/foreground.ts')
    const note = (message: string) => session.note(message)
    using log = new NetworkLog(flags['net-log'], session)
    const onNetwork = options.allowHosts && log.listener
    const surroundings = { host: await session.host(), note }
    return await runForeground({ ...options, ...given({ onNetwork }) }, [...tail], surroundings)
  },
})
