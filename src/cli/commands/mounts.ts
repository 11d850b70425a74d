/** `usnea mounts add|remove`, a verb of crun: mounts in a container that runs. */
import { RuntimeError } from '../../base/errors.ts'
import { defineCommand } from '../command.ts'

export const command = defineCommand({
  name: 'mounts',
  usage: 'add|remove ID FILE',
  summary: 'add or remove mounts of a running container; FILE is a JSON list like mounts in config.json',
  flags: [],
  count: [3, 3],
  slow: () => 'changing the mounts',
  async run({ args: [action = '', id = '', file = ''] }, session) {
    if (action !== 'add' && action !== 'remove')
      throw new RuntimeError('usage', { what: `unknown action "${action}"`, fix: 'usnea mounts add|remove ID FILE' })
    const { changeMounts } = await import('../../container/mounts.ts')
    await changeMounts(await session.context(), id, { action, file: session.path(file) })
    return 0
  },
})
