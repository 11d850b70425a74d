/** Proves the isolation level by really running, and names cause and fix of what is missing. */
import { RuntimeError } from '../base/errors.ts'
import { whyNoNamespaces } from '../container/probe.ts'
import type { Host } from '../host/facts.ts'
import {
  type Level,
  levelMeanings,
  levels,
  mayAdminister,
  promisedLevel,
  promisedSandboxLevel,
  reaches,
} from '../host/level.ts'
import { sealedInit } from '../kernel/native.ts'
import type { ChosenMaps } from '../linux/idmap/choose.ts'
import { surroundings } from './around.ts'
import { fuseFinding, keyringFinding, landlockFinding, networkFinding, stateFinding } from './beside.ts'
import { cgroupFinding } from './cgroups.ts'
import { type Check, checksFor } from './checks.ts'
import { type Finding, fromError, ok, unknown } from './finding.ts'
import { rangesFinding } from './ids.ts'
import { prove } from './proof.ts'

export interface Diagnosis {
  /** Of this form: docs/doctor.schema.json. */
  readonly version: 1
  /** Of containers. */
  readonly level: Level
  readonly meaning: string
  /** Of sandboxes: they map one id, and can do without user namespaces. */
  readonly sandbox: Level
  readonly around: readonly string[]
  readonly findings: readonly Finding[]
}

export interface Demands {
  readonly minLevel?: string
  /** Ids of findings that must be ok. */
  readonly require?: readonly string[]
}

/** Takes some 60 ms, and leaves nothing behind. Never throws for what this machine refuses. */
export async function diagnose(host: Host): Promise<Diagnosis> {
  const findings = [native(), stateFinding(host)]
  const single = singleMap(host)
  const needsUserns = !(host.realRoot && mayAdminister(host))
  const hasUserns = () => findings.some(({ id, status }) => id === 'userns' && status === 'ok')
  for (const check of checksFor(host)) {
    const maps = check.id === 'userns' || needsUserns ? single : undefined
    const isMoot = check.id !== 'userns' && maps !== undefined && !hasUserns()
    findings.push(isMoot ? moot(check) : await confirmed(await attempt(check, maps, host), host))
  }
  findings.push(await keyringFinding(host, needsUserns ? (hasUserns() ? single : 'none') : undefined))
  findings.push(
    needsUserns ? await rangesFinding(host, hasUserns()) : ok('subids', 'id ranges', 'real root may map any id'),
  )
  findings.push(fuseFinding(host, findings.find(({ id }) => id === 'overlay')?.status))
  findings.push(await cgroupFinding(host), networkFinding(host), landlockFinding())
  const level = provenLevel(host, findings)
  const [sandbox, around] = [sandboxLevel(host, findings), surroundings(host)]
  return { version: 1, level, meaning: levelMeanings[level], sandbox, around, findings }
}

const moot = ({ id, title }: Check): Finding => unknown(id, title, 'it needs a user namespace')

async function attempt(
  { id, title, trial, isVital }: Check,
  maps: ChosenMaps | undefined,
  host: Host,
): Promise<Finding> {
  try {
    await prove({ ...trial, maps }, host)
    return ok(id, title, 'tried, and it works')
  } catch (error) {
    return fromError(id, title, error, isVital ? 'fail' : 'weak')
  }
}

/** The kernel refuses nobody an unshare of nothing; only a filter does. */
async function confirmed(finding: Finding, host: Host): Promise<Finding> {
  if (finding.code !== 'userns-seccomp') return finding
  try {
    await prove({ maps: undefined, flags: 0, ops: [{ op: 'unshare', flags: 0, origin: 'doctor' }] }, host)
    return finding
  } catch {
    return { ...finding, why: 'a seccomp filter around us: it refuses even an unshare(2) of nothing' }
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

/** Our own id as container root: what everybody may have. */
function singleMap(host: Host): ChosenMaps {
  const own = (id: number) => [{ inner: 0, outer: id, size: 1 }]
  return { uid: own(host.uid), gid: own(host.gid), method: 'self', denySetgroups: true, notes: [] }
}

const isOk = (findings: readonly Finding[], name: string): boolean =>
  findings.some(({ id, status }) => id === name && status === 'ok')

/** Is something missing without which no container runs? Real root needs no user namespace. */
function isBroken(host: Host, findings: readonly Finding[]): boolean {
  const isR = host.realRoot && mayAdminister(host)
  return findings.some(({ status, id }) => status === 'fail' && id !== 'state' && !(isR && id === 'userns'))
}

/** Where no container runs, a sandbox may. */
const withoutNamespaces = (findings: readonly Finding[]): Level =>
  isOk(findings, 'native') && isOk(findings, 'landlock') ? 'L' : 'X'

/** What the facts promise, taken back as far as the trials failed. */
function provenLevel(host: Host, findings: readonly Finding[]): Level {
  if (isBroken(host, findings)) return withoutNamespaces(findings)
  const had = (name: string) =>
    findings.some(
      ({ id, status, code }) => id === name && (status === 'ok' || code === 'subids-few' || code === 'subids-shared'),
    )
  const promised = promisedLevel(host, { ranges: had('subids'), cgroups: had('cgroups') })
  return promised !== 'R' && promised !== 'X' && !isOk(findings, 'proc') ? 'U0' : promised
}

function sandboxLevel(host: Host, findings: readonly Finding[]): Level {
  if (!isOk(findings, 'native') || whyNoNamespaces(host) !== undefined) return withoutNamespaces(findings)
  const promised = promisedSandboxLevel(host)
  const isRefused = findings.some(({ id, status }) => id === 'proc' && status === 'weak')
  return promised !== 'R' && promised !== 'X' && isRefused ? 'U0' : promised
}

/** @throws RuntimeError `level-unmet`, `usage` */
export function assertDemands({ level, findings }: Diagnosis, { minLevel = 'U0', require = [] }: Demands): void {
  const wanted = levels.find((name) => name === minLevel.toUpperCase())
  if (wanted === undefined)
    throw new RuntimeError('usage', { what: `unknown level "${minLevel}"`, fix: `use one of ${levels.join(' ')}` })
  const unheard = require.find((id) => !findings.some((finding) => finding.id === id))
  if (unheard !== undefined)
    throw new RuntimeError('usage', {
      what: `unknown requirement "${unheard}"`,
      fix: `use one of ${findings.map(({ id }) => id).join(' ')}`,
    })
  const unmet = findings
    .filter(({ id, status }) => require.includes(id) && status !== 'ok')
    .map(({ title, what }) => `${title}: ${what}`)
  const tooLow = reaches(level, wanted) ? [] : [`the level is ${level}, and ${wanted} was asked for`]
  if (unmet.length + tooLow.length === 0) return
  throw new RuntimeError('level-unmet', { details: [...tooLow, ...unmet], fix: 'see the findings above' })
}
