/** `usnea diff`: what a layer would change on the host. */
import { defineCommand } from '../command.ts'
import { findMeantLayer, jsonFlag, layerFlag } from '../layer-flags.ts'
import { printChanges, printDiffJson, printNames, printStat, within } from '../print/changes.ts'

export const command = defineCommand({
  name: 'diff',
  usage: '[PATH …]',
  summary: 'show what commands changed in a layer; nothing of it is on the host',
  examples: ['usnea diff', 'usnea diff --stat src', 'usnea diff --layer exp --json'],
  flags: [
    layerFlag,
    jsonFlag,
    { name: 'name-only', kind: 'boolean', help: 'print only the paths' },
    { name: 'stat', kind: 'boolean', help: 'print the paths with the number of lines or bytes' },
    { name: 'exit-code', kind: 'boolean', help: 'exit with 1 when there are changes' },
  ],
  count: [0, Number.POSITIVE_INFINITY],
  slow: () => 'comparing',
  async run({ flags, args }, session) {
    const { diffLayer } = await import('../../sandbox/layers/index.ts')
    const layer = await findMeantLayer(flags.layer, session)
    const paths = args.map((path) => session.path(path))
    const changes = within(diffLayer(layer, { text: !flags['name-only'] }), paths)
    if (flags.json) session.print(printDiffJson(layer.record, changes))
    else if (flags['name-only']) session.print(printNames(changes))
    else if (flags.stat) session.print(printStat(changes))
    else session.print(printChanges(changes, { isColoured: session.isColoured }))
    return flags['exit-code'] && changes.length > 0 ? 1 : 0
  },
})
