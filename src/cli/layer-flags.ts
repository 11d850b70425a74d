/** Options of `try`, and how `diff`, `apply` and `discard` find the layer that is meant. */
import { RuntimeError } from '../base/errors.ts'
import type { Layer } from '../sandbox/layers/index.ts'
import type { Flag } from './flags.ts'
import type { Session } from './session.ts'

export const layerFlag = {
  name: 'layer',
  kind: 'text',
  value: 'NAME',
  help: 'the layer; by default the last one that a command ran in and that is for the current directory',
  empty: 'kept',
} as const satisfies Flag

export const jsonFlag = { name: 'json', kind: 'boolean', help: 'print JSON' } as const satisfies Flag

/** @throws RuntimeError `layer-missing`, `layer-unclear`, `layer-name`, `layer-damaged` */
export async function findMeantLayer(name: string | undefined, session: Session): Promise<Layer> {
  const { openLayer, openLayers } = await import('../sandbox/layers/index.ts')
  const host = await session.host()
  if (name !== undefined) return openLayer(name, host)
  const all = openLayers(host)
  const here = all.filter(({ record: { folders } }) => folders.some((folder) => areNear(folder, host.cwd)))
  const last = here.toSorted((a, b) => lastUse(b) - lastUse(a))[0]
  if (last !== undefined) return last
  if (all.length === 0) throw new RuntimeError('layer-missing', { what: 'there is no layer' })
  const names = all.map((layer) => layer.name).join(', ')
  throw new RuntimeError('layer-unclear', { what: `no layer is for this directory; there are ${names}` })
}

const areNear = (folder: string, cwd: string): boolean =>
  `${cwd}/`.startsWith(`${folder}/`) || `${folder}/`.startsWith(`${cwd}/`)

export const lastUse = ({ record: { created, runs } }: Layer): number => {
  const run = runs.at(-1)
  return run === undefined ? Date.parse(created) : Number(BigInt(run.at) / 1_000_000n)
}
