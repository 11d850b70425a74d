/** `usnea discard`: a layer is forgotten. */
import { defineCommand } from '../command.ts'
import { findMeantLayer, layerFlag } from '../layer-flags.ts'

export const command = defineCommand({
  name: 'discard',
  usage: '',
  summary: 'remove a layer with all that commands changed in it',
  examples: ['usnea discard', 'usnea discard --layer exp'],
  flags: [
    layerFlag,
    { name: 'force', short: 'f', kind: 'boolean', help: 'also one whose apply was interrupted: what is applied stays' },
  ],
  count: [0, 0],
  slow: () => 'removing the layer',
  async run({ flags }, session) {
    const { discardLayer } = await import('../../sandbox/layers/index.ts')
    const layer = await findMeantLayer(flags.layer, session)
    discardLayer(layer, flags.force)
    session.note(`the layer ${layer.name} is gone`)
    return 0
  },
})
