/** Proves the isolation level by really running, and names cause and fix of what is missing. */
import { RuntimeError } from '../base/errors.ts'
import type { Host } from '../host/facts.ts'
import { type Level, levelMeanings, levels, promisedLevel, reaches } from '../host/level.ts'
import { sealedInit } from '../kernel/native.ts'
import { type ChosenMaps, chooseMaps } from '../linux/idmap/choose.ts'
import { chooseStateRoot } from '../state/paths.ts'
import { cgroupFinding } from './cgroups.ts'
import { checksFor, rangesTrial } from './checks.ts'
import { type Finding, fromError, ok } from './finding.ts'
import { prove } from './proof.ts'

export interface Diagnosis {
  readonly level: Level
  readonly meaning: string
  readonly findings: readonly Finding[]
}

export interface Demands {
  readonly minLevel?: string
  /** Ids of findings that must be ok. */
  readonly require?: readonly string[]
}

export async function diagnose(host: Host): Promise<Diagnosis> {
  const findings = [native(), stateDirectory(host)]
  const single = singleMap(host)
  for (const check of checksFor(host)) {
    const hasNoUserns = findings.some(({ id, status }) => id === 'userns' && status === 'fail')
    const maps = check.id === 'userns' || !host.realRoot ? single : undefined
    const trial = hasNoUserns && maps ? notTried : () => prove({ ...check.trial, maps }, host)
    findings.push(await attempt(check.id, check.title, trial, check.isVital ? 'fail' : 'weak'))
  }
  findings.push(await ranges(host), await cgroupFinding(host))
  const level = provenLevel(host, findings)
  return { level, meaning: levelMeanings[level], findings }
}

const notTried = async (): Promise<void> => {
  throw new Error('not tried: it needs the user namespace')
}

async function attempt(
  id: string,
  title: string,
  trial: () => Promise<void>,
  status: 'weak' | 'fail',
): Promise<Finding> {
  try {
    await trial()
    return ok(id, title, 'tried, and it works')
  } catch (error) {
    return fromError(id, title, error, status)
  }
}

function native(): Finding {
  try {
    sealedInit()
    return ok('native', 'native parts', 'loaded; init runs from a sealed memory copy')
  } catch (error) {
    return fromError('native', 'native parts', error, 'fail')
  }
}

function stateDirectory(host: Host): Finding {
  const title = 'state directory'
  try {
    const { path, warnings } = chooseStateRoot(host)
    return warnings.length === 0
      ? ok('state', title, path)
      : { id: 'state', title, status: 'weak', what: `${path}; ${warnings.join('; ')}` }
  } catch (error) {
    return fromError('state', title, error, 'fail')
  }
}

/** Our own id as container root: what everybody may have. */
function singleMap(host: Host): ChosenMaps {
  const own = (id: number) => [{ inner: 0, outer: id, size: 1 }]
  return { uid: own(host.uid), gid: own(host.gid), method: 'self', denySetgroups: true, notes: [] }
}

async function ranges(host: Host): Promise<Finding> {
  const [id, title] = ['subids', 'id ranges']
  if (host.realRoot) return ok(id, title, 'real root may map any id')
  const choice = chooseMaps(host)
  if ('error' in choice) return fromError(id, title, choice.error, 'weak')
  if (choice.method === 'self') {
    const [why = 'only one id is mapped'] = choice.notes
    return { id, title, status: 'weak', what: 'one user and one group id', why }
  }
  return attempt(id, title, () => prove(rangesTrial(choice), host), 'weak')
}

/** What the facts promise, taken back as far as the trials failed. */
function provenLevel(host: Host, findings: readonly Finding[]): Level {
  const failed = (id: string) => findings.some((finding) => finding.id === id && finding.status !== 'ok')
  if (findings.some(({ status, id }) => status === 'fail' && id !== 'state' && !(host.realRoot && id === 'userns')))
    return 'X'
  const promised = promisedLevel(host, { ranges: !failed('subids'), cgroups: !failed('cgroups') })
  if (promised !== 'R' && failed('proc')) return 'U0'
  return promised
}

/** @throws RuntimeError `level-unmet`, `usage` */
export function assertDemands({ level, findings }: Diagnosis, { minLevel = 'U0', require = [] }: Demands): void {
  const wanted = levels.find((name) => name === minLevel.toUpperCase())
  if (wanted === undefined)
    throw new RuntimeError('usage', { what: `unknown level "${minLevel}"`, fix: `use one of ${levels.join(' ')}` })
  const unknown = require.find((id) => !findings.some((finding) => finding.id === id))
  if (unknown !== undefined)
    throw new RuntimeError('usage', {
      what: `unknown requirement "${unknown}"`,
      fix: `use one of ${findings.map(({ id }) => id).join(' ')}`,
    })
  const unmet = findings
    .filter(({ id, status }) => require.includes(id) && status !== 'ok')
    .map(({ title, what }) => `${title}: ${what}`)
  const tooLow = reaches(level, wanted) ? [] : [`the level is ${level}, and ${wanted} was asked for`]
  if (unmet.length + tooLow.length === 0) return
  throw new RuntimeError('level-unmet', { details: [...tooLow, ...unmet], fix: 'see the findings above' })
}
