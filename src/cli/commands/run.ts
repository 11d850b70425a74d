/** `usnea run`: create, start, and unless detached wait; the exit status is the program's. */
import { defineCommand } from '../command.ts'
import { createFlags, createOptions, dryRun } from './create.ts'

export const command = defineCommand({
  name: 'run',
  usage: 'ID',
  summary: 'create and start a container; the exit status is that of its program',
  flags: [
    ...createFlags,
    { name: 'detach', short: 'd', kind: 'boolean', help: 'do not wait for the end' },
    { name: 'keep', kind: 'boolean', help: 'do not remove the container at its end' },
  ],
  count: [1, 1],
  async run({ flags, args: [id = ''] }, session) {
    if (flags['dry-run']) return await dryRun(flags, session, { gate: false, detached: flags.detach })
    const { run } = await import('../../container/run.ts')
    const options = { ...createOptions(flags, id, session), detach: flags.detach, keep: flags.keep }
    return await run(await session.context(), options)
  },
})
