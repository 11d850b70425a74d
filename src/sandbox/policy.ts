/** The view of a sandbox: which places are private, what is let through, what stands where. Reads the file system, changes nothing. */
import { lstatSync, readdirSync, readlinkSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { errnoOf } from '../base/errors.ts'
import type { Degradation } from '../base/issue.ts'
import { chooseWay, type Way } from '../container/hold/choose.ts'
import { expected } from '../container/hold/watchdog.ts'
import type { Host } from '../host/facts.ts'
import type { IdMaps } from '../kernel/plan.ts'
import { checkWatchable } from './denials/watchable.ts'
import type { Exposure } from './exposure.ts'
import { matching } from './glob.ts'
import { decideGroups, type KeptGroups } from './groups.ts'
import { checkLosses, chooseLevel, type Standing } from './level.ts'
import { wrong } from './option-values.ts'
import type { CheckedOptions } from './options.ts'
import { missingPolicies, policyFiles } from './policy-files.ts'
import { alsoElsewhere, assertCoverable, type PrivatePlace, privatePlaces } from './private-places.ts'
import { keptIn, missingIn, type Protection, protectionsOf, waysTo } from './protect.ts'

export interface Policy {
  readonly host: Host
  readonly options: CheckedOptions
  readonly privates: readonly PrivatePlace[]
  /** Directories that are rebuilt as a tmpfs with the same entries, because a destination is missing in them. */
  readonly mirrors: readonly Mirror[]
  readonly exposures: readonly Exposure[]
  /** Dangerous paths of writable directories, and what lies on the way to them. */
  readonly protections: readonly Protection[]
  /** Dangerous paths that do not exist: on the host, so that what was made can be told. */
  readonly unprotected: readonly string[]
  /** Paths to cover that the command would see else. */
  readonly hide: readonly string[]
  /** Paths that fail with an error. */
  readonly deny: readonly string[]
  readonly freshProc: boolean
  /** Is there a resolv.conf, or the end of a link of that name? */
  readonly hasResolvConf: boolean
  readonly cwd: string
  readonly degradations: readonly Degradation[]
  readonly standing: Standing
  readonly groups: KeptGroups
  /** Id maps that its launch waits for; undefined where it writes its own. */
  readonly maps: IdMaps | undefined
  /** The command stays in the caller's session and process group. Default false. */
  readonly sharesGroup?: boolean
  /** How the limits of all its processes together are held; undefined where there are none. */
  readonly way: Way | undefined
}

export interface Mirror {
  readonly path: string
  readonly entries: readonly { readonly name: string; readonly link: string | undefined }[]
}

/** Is `path` the directory or something in it? */
export const isWithin = (path: string, directory: string): boolean =>
  path === directory || path.startsWith(directory === '/' ? '/' : `${directory}/`)

export function choosePolicy(options: CheckedOptions, host: Host): Policy {
  const standing = chooseLevel(options, host)
  const losses = checkLosses(options, standing)
  if (options.isObserved) checkWatchable({ host, standing })
  const way = chooseWay({
    amounts: options.limits.amounts,
    host,
    level: standing.level,
    needsCgroup: options.require.includes('cgroups'),
    mayBeLoose: options.accept.has('limits'),
  })
  const { groups, maps } = decideGroups(options.groups, host, standing.level)
  const isLandlocked = standing.level === 'L'
  const privates = privatePlaces(host)
  const exposures = [...systemExposures(), ...options.exposures.map(resolveSource)].sort(
    (a, b) => a.dest.split('/').length - b.dest.split('/').length,
  )
  if (!isLandlocked)
    assertCoverable(
      privates,
      exposures.map(({ dest }) => dest),
    )
  const covered = [...privates.map(({ path }) => path), '/dev']
  const mirrors = isLandlocked ? [] : mirrorsFor(exposures, covered)
  const weaker = [...losses, ...(way ? weakly(way) : [])]
  const degradations = isLandlocked ? weaker : [...(host.freshProc ? [] : [outerProc]), ...weaker]
  const view = { covered, exposures, host }
  const dangers = options.accept.has('protect')
    ? []
    : heldOnce([...protectionsOf(exposures), ...keptIn(policyFiles(host, exposures), exposures)])
  return {
    host,
    options,
    privates,
    mirrors,
    exposures,
    protections: isLandlocked
      ? []
      : withWays([...dangers, ...keptIn(options.kept, exposures)], waysTo(namedPaths(options, exposures), exposures)),
    unprotected: options.accept.has('protect')
      ? []
      : [...new Set([...missingIn(dangers, exposures), ...missingPolicies(host, exposures)])],
    hide: visibleOnes('hide', options.hide, view),
    deny: visibleOnes('deny', options.deny, view),
    freshProc: host.freshProc,
    hasResolvConf: exists('/etc/resolv.conf'),
    cwd: options.cwd ?? chooseCwd(host, covered, exposures),
    degradations,
    standing,
    groups,
    maps,
    way,
  }
}

/** As they were written, with links, and as they are. */
function namedPaths({ hide, deny, exposures: written }: CheckedOptions, exposures: readonly Exposure[]): string[] {
  const covers = [...hide, ...deny].flatMap(matching)
  const sources = [...written, ...exposures].map(({ source }) => source)
  return [...sources, ...covers, ...covers.map((path) => realpathSync(path))]
}

/** Each path once. */
const heldOnce = (all: readonly Protection[]): Protection[] =>
  withWays(
    all.filter((one, i) => !one.writable && all.findIndex((other) => !other.writable && other.path === one.path) === i),
    all.filter((one, i) => one.writable && all.findIndex(({ path }) => path === one.path) === i),
  )

/** What is read-only stays so. */
function withWays(protections: readonly Protection[], ways: readonly Protection[]): Protection[] {
  const held = new Set(protections.map(({ path }) => path))
  return [...protections, ...ways.filter(({ path }) => !held.has(path))]
}

/** A limit without a cgroup. */
const weakly = (way: Way): Degradation[] =>
  expected(way).flatMap(({ limit, enforcedBy, detail }) => {
    if (enforcedBy === 'nothing') return [{ pointer: limit, message: `not held: ${detail}` }]
    return enforcedBy === 'watchdog' ? [{ pointer: limit, message: `held by a watchdog, which ${detail}` }] : []
  })

const outerProc: Degradation = {
  pointer: 'proc',
  message: 'the outer /proc is shown: it is partly covered, and the kernel refuses a fresh one then',
}

/** Files under a private place that the rest of the system points into: name resolution, and NixOS's programs. */
function systemExposures(): Exposure[] {
  return ['/etc/resolv.conf', '/run/current-system', '/run/opengl-driver'].flatMap((path) => {
    try {
      const source = realpathSync(path)
      const dest = path === '/etc/resolv.conf' ? source : path
      return isWithin(dest, '/run') ? [{ source, dest, writable: false, origin: 'system' }] : []
    } catch {
      return []
    }
  })
}

function resolveSource(exposure: Exposure): Exposure {
  try {
    const source = realpathSync(exposure.source)
    return { ...exposure, source, dest: exposure.dest === exposure.source ? realDest(exposure.dest) : exposure.dest }
  } catch (error) {
    throw wrong(
      exposure.origin,
      errnoOf(error) === 'ENOENT' ? `${exposure.source} does not exist` : `${exposure.source} cannot be reached`,
    )
  }
}

/** A link keeps its own name inside when it can; its target is what is mounted. */
function realDest(path: string): string {
  return lstatSync(path).isSymbolicLink()
    ? realpathSync(path)
    : join(realpathSync(dirname(path)), path.slice(path.lastIndexOf('/') + 1))
}

/**
 * Nothing is ever created on the host, so a destination that does not exist needs a directory of ours around it: the
 * nearest existing one is rebuilt as a tmpfs with the same entries.
 */
function mirrorsFor(exposures: readonly Exposure[], covered: readonly string[]): Mirror[] {
  const mirrors = new Map<string, Mirror>()
  for (const exposure of exposures) {
    const { dest } = exposure
    if (lieInAnother(exposure, exposures) || covered.some((path) => isWithin(dest, path)) || exists(dest)) continue
    let nearest = dirname(dest)
    while (!exists(nearest)) nearest = dirname(nearest)
    if (!mirrors.has(nearest)) mirrors.set(nearest, { path: nearest, entries: entriesOf(nearest) })
  }
  return [...mirrors.values()].sort((a, b) => a.path.length - b.path.length)
}

/** Inside a path that is let through the destination must be there already: that directory is the host's own. */
function lieInAnother({ dest, origin }: Exposure, exposures: readonly Exposure[]): boolean {
  const around = exposures.findLast((other) => other.dest !== dest && isWithin(dest, other.dest))
  if (around === undefined) return false
  if (!exists(join(around.source, dest.slice(around.dest.length))))
    throw wrong(origin, `${dest} does not exist, and it would have to be created in ${around.source} on the host`)
  return true
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}

function entriesOf(path: string): Mirror['entries'] {
  return readdirSync(path, { withFileTypes: true }).map((entry) => ({
    name: entry.name,
    link: entry.isSymbolicLink() ? readlinkSync(join(path, entry.name)) : undefined,
  }))
}

interface View {
  readonly host: Host
  readonly covered: readonly string[]
  readonly exposures: readonly Exposure[]
}

/** What is named must be there, or a slip of the pen would lay a secret open. Under a private place it is hidden anyway. */
function visibleOnes(option: 'hide' | 'deny', paths: readonly string[], { covered, exposures, host }: View): string[] {
  const found = paths.flatMap((text) => {
    const all = matching(text)
    if (all.length === 0) throw wrong(`${option} ${text}`, `${text} does not exist`)
    return all.map((path) => realpathSync(path))
  })
  return [...new Set(alsoElsewhere(found, host))].filter((real) => {
    const isExposed = exposures.some(({ dest }) => isWithin(real, dest) || isWithin(dest, real))
    return isExposed || !covered.some((place) => isWithin(real, place))
  })
}

function chooseCwd(host: Host, covered: readonly string[], exposures: readonly Exposure[]): string {
  const seen =
    exposures.some(({ dest }) => isWithin(host.cwd, dest)) || !covered.some((path) => isWithin(host.cwd, path))
  if (seen) return host.cwd
  return host.home !== undefined && exists(host.home) ? host.home : '/'
}
