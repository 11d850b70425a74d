/** `usnea layers`: the layers that there are. */
import { RuntimeError } from '../../base/errors.ts'
import type { Layer } from '../../sandbox/layers/index.ts'
import { defineCommand } from '../command.ts'
import { jsonFlag } from '../layer-flags.ts'
import { layerJson, printLayer, printLayers } from '../print/layers.ts'
import type { Session } from '../session.ts'

export const command = defineCommand({
  name: 'layers',
  usage: '[list | show NAME | remove NAME …]',
  summary: 'list, show or remove the layers of usnea try',
  examples: ['usnea layers', 'usnea layers show exp', 'usnea layers remove exp amber-fern-7k2'],
  flags: [
    jsonFlag,
    { name: 'quiet', short: 'q', kind: 'boolean', help: 'print names only' },
    { name: 'force', short: 'f', kind: 'boolean', help: 'remove one whose apply was interrupted too' },
  ],
  count: [0, Number.POSITIVE_INFINITY],
  slow: ({ args: [verb] }) => (verb === 'remove' ? 'removing layers' : undefined),
  async run({ flags, args: [verb = 'list', ...names] }, session) {
    if (verb === 'list' && names.length === 0) return await list(session, flags)
    if (verb === 'show' && names.length === 1) return await show(session, names[0] ?? '', flags.json)
    if (verb === 'remove' && names.length > 0) return await remove(session, names, flags.force)
    throw new RuntimeError('usage', { what: 'layers takes list, show NAME or remove NAME …' })
  },
})

async function list(session: Session, { json, quiet }: { json: boolean; quiet: boolean }): Promise<number> {
  const { openLayers } = await import('../../sandbox/layers/index.ts')
  const layers = openLayers(await session.host())
  if (quiet) session.print(layers.map(({ name }) => `${name}\n`).join(''))
  else if (json) session.print(`${JSON.stringify({ schemaVersion: 1, layers: layers.map(layerJson) })}\n`)
  else session.print(printLayers(layers))
  return 0
}

const open = async (session: Session, name: string): Promise<Layer> => {
  const { openLayer } = await import('../../sandbox/layers/index.ts')
  return openLayer(name, await session.host())
}

async function show(session: Session, name: string, json: boolean): Promise<number> {
  const layer = await open(session, name)
  session.print(json ? `${JSON.stringify({ schemaVersion: 1, ...layerJson(layer) })}\n` : printLayer(layer))
  return 0
}

async function remove(session: Session, names: readonly string[], isForced: boolean): Promise<number> {
  const { discardLayer } = await import('../../sandbox/layers/index.ts')
  for (const name of names) discardLayer(await open(session, name), isForced)
  return 0
}
