/** `usnea mounts add|remove`, a verb of crun: mounts in a container that runs. */
import { RuntimeError } from '../../base/errors.ts'
import { defineCommand } from '../command.ts'
import { notBuilt } from './not-built.ts'

export const command = defineCommand({
  name: 'mounts',
  usage: 'add|remove ID FILE',
  summary: 'add or remove mounts of a running container (not supported yet)',
  flags: [],
  count: [3, 3],
  async run({ args: [action = ''] }) {
    if (action === 'add' || action === 'remove') return await notBuilt(`mounts ${action}`)
    throw new RuntimeError('usage', { what: `unknown action "${action}"`, fix: 'usnea mounts add|remove ID FILE' })
  },
})
