/** Layers, as a table and one by one. */
import { printable } from '../../base/log.ts'
import type { Layer } from '../../sandbox/layers/index.ts'
import { printTable } from './table.ts'

export function layerJson({ directory, record, isHalfApplied }: Layer) {
  const { name, isNamed, backend, because, created, folders, runs, missing } = record
  const commands = runs.map(({ at, argv }) => ({ startedAt: timeOf(at), argv }))
  return { name, isNamed, backend, because, created, directory, folders, commands, missing, isHalfApplied }
}

export function printLayers(layers: readonly Layer[]): string {
  const rows = layers.map(({ record: { name, backend, runs, created, folders } }) => [
    name,
    backend,
    timeOf(runs.at(-1)?.at) ?? created,
    String(runs.length),
    printable(folders.length > 1 ? `${folders[0]} and ${folders.length - 1} more` : (folders[0] ?? '')),
  ])
  return printTable([['NAME', 'BACKEND', 'LAST USED', 'RUNS', 'FOLDERS'], ...rows])
}

export function printLayer(layer: Layer): string {
  const { name, backend, because, created, directory, folders, commands, missing, isHalfApplied } = layerJson(layer)
  const lines = [
    `name       ${name}`,
    `backend    ${backend}${because.length > 0 ? ` (${because.join('; ')})` : ''}`,
    `created    ${created}`,
    `directory  ${directory}`,
    ...folders.map((folder) => `folder     ${folder}`),
    ...commands.map(({ startedAt, argv }) => `command    ${startedAt}  ${argv.join(' ')}`),
    ...missing.map((path) => `missing    ${path} could not be copied`),
    ...(isHalfApplied ? ['state      half applied: usnea apply goes on'] : []),
  ]
  return lines.map((line) => `${printable(line).replaceAll('\n', ' ')}\n`).join('')
}

function timeOf(at: string | undefined): string | undefined {
  return at === undefined ? undefined : new Date(Number(BigInt(at) / 1_000_000n)).toISOString()
}
