/** Runtimes for people and for programs. */
import { printable } from '../../base/log.ts'
import type { RuntimeEntry } from '../../runtimes/entry.ts'
import type { FeaturesAnswer } from '../../runtimes/features.ts'
import type { Import } from '../../runtimes/import.ts'
import { type Survey, whyUnfit } from '../../runtimes/survey.ts'
import { printTable } from './table.ts'

export function printRuntimes(found: readonly Survey[]): string {
  const rows = found.map((one) => [
    `${printable(one.name)}${one.isDefault ? ' *' : ''}`,
    one.entry.kind,
    printable(programOf(one)),
    printable(one.entry.origin),
  ])
  return printTable([['NAME', 'KIND', 'PROGRAM', 'SAID IN'], ...rows])
}

const wantedOf = (entry: RuntimeEntry): string => (entry.kind === 'oci' ? entry.path : entry.type)

function programOf({ entry, resolved }: Survey): string {
  if (resolved === undefined) return `${wantedOf(entry)} (missing)`
  return resolved.kind === 'oci' ? [resolved.path, ...resolved.args].join(' ') : resolved.binary
}

/** One runtime: a line a fact. */
export function printRuntime(one: Survey): string {
  const { entry, resolved, missing, features } = one
  const facts: [string, string | undefined][] = [
    ['name', `${one.name}${one.isDefault ? ' (default)' : ''}`],
    ['kind', entry.kind],
    ['said in', entry.origin],
    [entry.kind === 'oci' ? 'path' : 'type', wantedOf(entry)],
    ['program', resolved?.kind === 'shim' ? resolved.binary : resolved?.path],
    ['missing', missing],
    ...(entry.kind === 'oci'
      ? ([
          ['args', entry.args.length === 0 ? undefined : JSON.stringify(entry.args)],
          ['state', entry.root],
        ] as [string, string | undefined][])
      : ([['options', entry.options && JSON.stringify(entry.options)]] as [string, string | undefined][])),
    ['features', features && featuresInWords(features)],
  ]
  return facts
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name.padEnd(10)}${printable(value)}\n`]))
    .join('')
}

function featuresInWords(answer: FeaturesAnswer): string {
  if (answer.kind === 'known')
    return `runtime-spec ${answer.features.ociVersionMin} to ${answer.features.ociVersionMax}`
  return answer.kind === 'unsupported' ? `it has no such verb (${answer.reason})` : `not believed: ${answer.reason}`
}

/** `ok` or `unfit` before each. */
export function printVerdicts(found: readonly Survey[]): string {
  return found
    .map((one) => {
      const said = one.features === undefined ? 'its program is there' : featuresInWords(one.features)
      return `${whyUnfit(one) === undefined ? 'ok     ' : 'unfit  '}${printable(one.name)}: ${printable(one.missing ?? said)}\n`
    })
    .join('')
}

export function jsonOfRuntime({ entry, isDefault, resolved, missing, features }: Survey): object {
  return {
    ...entry,
    isDefault,
    ...(resolved && { resolved }),
    ...(missing && { missing }),
    ...(features && { features }),
  }
}

export function printImport({ added, unchanged, defaultName }: Import, to: string): string {
  const lines = [
    ...added.map((name) => `added      ${printable(name)}`),
    ...unchanged.map((name) => `unchanged  ${printable(name)}`),
    ...(defaultName === undefined ? [] : [`default    ${printable(defaultName)}`]),
  ]
  return lines.length === 0 ? `nothing to import into ${printable(to)}\n` : `${lines.join('\n')}\n`
}
