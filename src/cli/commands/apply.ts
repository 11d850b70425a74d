/** `usnea apply`: what commands changed in a layer becomes real. */
import { RuntimeError } from '../../base/errors.ts'
import { defineCommand } from '../command.ts'
import { given } from '../given.ts'
import { findMeantLayer, jsonFlag, layerFlag } from '../layer-flags.ts'
import { appliedWords, rolledBackWords } from '../print/changes.ts'

export const command = defineCommand({
  name: 'apply',
  usage: '[PATH …]',
  summary: 'bring the changes of a layer to the host, all or those at some paths; goes on after an interruption',
  examples: [
    'usnea apply',
    'usnea apply src package.json',
    'usnea apply --theirs',
    'usnea apply .git/hooks/pre-commit',
    'usnea apply --roll-back',
  ],
  flags: [
    layerFlag,
    jsonFlag,
    { name: 'force', short: 'f', kind: 'boolean', help: 'overwrite what the host changed since' },
    { name: 'theirs', kind: 'boolean', help: 'keep what the host changed since' },
    { name: 'skip-refused', kind: 'boolean', help: 'leave in the layer what is refused, and apply the rest' },
    { name: 'roll-back', kind: 'boolean', help: 'undo an apply that was interrupted' },
  ],
  count: [0, Number.POSITIVE_INFINITY],
  async run({ flags, args }, session) {
    if (flags.force && flags.theirs)
      throw new RuntimeError('usage', { what: '--force and --theirs cannot both be', fix: 'choose one of them' })
    if (flags['roll-back'] && (args.length > 0 || flags['skip-refused']))
      throw new RuntimeError('usage', {
        what: '--roll-back takes no paths and no --skip-refused',
        fix: 'leave them out',
      })
    const { applyLayer, rollBackLayer } = await import('../../sandbox/layers/index.ts')
    const layer = await findMeantLayer(flags.layer, session)
    const conflicts = given({
      conflicts: flags.force ? ('force' as const) : flags.theirs ? ('theirs' as const) : undefined,
    })
    const progress = session.progress(flags['roll-back'] ? 'rolling back' : 'applying')
    const onStep = progress.show
    if (flags['roll-back']) {
      const result = rollBackLayer(layer, conflicts, { onStep })
      if (flags.json) session.print(`${JSON.stringify({ schemaVersion: 1, layer: layer.name, ...result })}\n`)
      else for (const line of rolledBackWords(layer.name, result)) session.note(line, true)
      return 0
    }
    const result = applyLayer(
      layer,
      {
        paths: args.map((path) => session.path(path)),
        skipRefused: flags['skip-refused'],
        ...conflicts,
      },
      { onStep },
    )
    if (flags.json) session.print(`${JSON.stringify({ schemaVersion: 1, layer: layer.name, ...result })}\n`)
    else for (const line of appliedWords(layer.name, result)) session.note(line, true)
    return 0
  },
})
