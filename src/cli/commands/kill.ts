/** `usnea kill`: a signal for the first process of a container, or for all of them. */
import { RuntimeError } from '../../base/errors.ts'
import { signalNumber } from '../../kernel/constants.ts'
import { defineCommand } from '../command.ts'
import { given } from '../given.ts'

export const command = defineCommand({
  name: 'kill',
  usage: 'ID [SIGNAL]',
  summary: 'send a signal (TERM): a number, or a name such as HUP, SIGHUP or RTMIN+3',
  flags: [
    { name: 'all', short: 'a', kind: 'boolean', help: 'signal every process of the container' },
    { name: 'regex', short: 'r', kind: 'boolean', help: 'ID is a regular expression: all that run and match' },
  ],
  count: [1, 2],
  slow: ({ flags }) => (flags.all || flags.regex ? 'sending signals' : undefined),
  async run({ flags, args: [id = '', signal = 'TERM'] }, session) {
    const number = signalNumber(signal)
    if (number === undefined) throw new RuntimeError('signal-unknown', { what: `unknown signal "${signal}"` })
    const { kill } = await import('../../container/kill.ts')
    const ctx = await session.context()
    const one = (name: string, stopped?: 'ignore') => kill(ctx, name, number, { all: flags.all, ...given({ stopped }) })
    if (!flags.regex) await one(id)
    else await (await import('../../container/matching.ts')).forMatching(ctx.root, id, (name) => one(name, 'ignore'))
    return 0
  },
})
