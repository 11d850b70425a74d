/** `usnea features`: what this build can do. Callers ask at their start; of the machine it reads only which kernel it is. */
import { release } from 'node:os'
import { mountOptionNames } from '../../linux/mounts/options.ts'
import { renderFeatures } from '../../spec/features.ts'
import { defineCommand } from '../command.ts'
import { given } from '../given.ts'
import { readCommit, readVersion } from '../version.ts'

export const command = defineCommand({
  name: 'features',
  usage: '',
  summary: 'print what this build can do, as JSON',
  flags: [],
  count: [0, 0],
  async run(_call, session) {
    const [major = 0, minor = 0] = release().split('.').map(Number.parseFloat)
    const facts = {
      version: readVersion(),
      mountOptions: mountOptionNames(),
      kernel: { major, minor },
      ...given({ commit: readCommit() }),
    }
    session.print(renderFeatures(facts))
    return 0
  },
})
