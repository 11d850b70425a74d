/** The runtimes that settings name, beside ours. Pure: no program is looked for here. */
import { isAbsolute, join, normalize } from 'node:path'
import { RuntimeError } from '../base/errors.ts'
import { type KnownValues, knownSettings, stockSettings } from '../config/known.ts'
import { defaultLayer, mergeLayers, type Settings } from '../config/layers.ts'
import type { Host } from '../host/facts.ts'
import type { OciEntry, RuntimeEntry, ShimEntry } from './entry.ts'
import { isPermissibleShim, pathPart, STOCK_RUNTIME, STOCK_SHIM, shimBinary, whyNotRuntimeName } from './names.ts'

export interface RegistryFacts {
  readonly env: Host['env']
  /** The directory with usnea and its shim. Absolute. */
  readonly programs: string
  /** Below it each OCI runtime has a state directory of its own. Absolute. */
  readonly stateRoot: string
}

/** Frozen: a reload makes another one. */
export interface Registry {
  readonly runtimes: ReadonlyMap<string, RuntimeEntry>
  readonly defaultName: string
  readonly facts: RegistryFacts
}

type Configured = NonNullable<NonNullable<KnownValues['runtimes']>[string]>

/**
 * Always the whole: the stock entries are put in anew each time, so no reload can lose them.
 * @throws RuntimeError `runtime-invalid` with every contradiction, `runtime-default`
 */
export function buildRegistry(settings: Settings<KnownValues>, facts: RegistryFacts): Registry {
  const configured = Object.entries(settings.values.runtimes ?? {})
  const problems: string[] = []
  const runtimes = new Map<string, RuntimeEntry>(stockEntries(facts).map((entry) => [entry.name, entry]))
  for (const [name, values] of configured) {
    const origin = settings.origin(['runtimes', name])?.place ?? ''
    const found = problemsOf(name, values)
    // Each mistake with the places that made it: a path may come from one file and a type from another.
    problems.push(...found.map((problem) => `${placesOf(settings, name, values)}: runtime ${name}: ${problem}`))
    if (found.length === 0) runtimes.set(name, entryOf(name, values, { origin, facts }))
  }
  if (problems.length === 0) problems.push(...sharedRoots([...runtimes.values()]))
  if (problems.length > 0) throw new RuntimeError('runtime-invalid', { details: problems })
  return { runtimes, defaultName: defaultOf(settings, runtimes), facts }
}

/** Without any settings. */
export const stockRegistry = (facts: RegistryFacts): Registry =>
  buildRegistry(mergeLayers([defaultLayer(stockSettings)], knownSettings), facts)

function stockEntries({ programs, stateRoot }: RegistryFacts): RuntimeEntry[] {
  const stock = { isStock: true, origin: 'stock' }
  const path = join(programs, 'usnea')
  return [
    { ...stock, kind: 'oci', name: STOCK_RUNTIME, path, args: [], root: join(stateRoot, STOCK_RUNTIME) },
    { ...stock, kind: 'shim', name: STOCK_SHIM, type: STOCK_SHIM, options: undefined },
  ]
}

/** Everything that contradicts itself, in words. */
function problemsOf(name: string, { path, args, root, type, options }: Configured): string[] {
  const said = (text: string, holds: boolean) => (holds ? [text] : [])
  const nameProblem = whyNotRuntimeName(name)
  const isShim = type !== undefined
  return [
    ...(nameProblem === undefined ? [] : [nameProblem]),
    ...said('either a type or a path must be configured', path === undefined && !isShim),
    ...said('cannot configure both path and type', path !== undefined && isShim),
    ...said('args cannot be used with a type: a shim takes options', isShim && args !== undefined),
    ...said('root cannot be used with a type: a shim takes options', isShim && root !== undefined),
    ...said('options cannot be used with a path: an OCI runtime takes args', !isShim && options !== undefined),
    ...(path === undefined ? [] : pathProblems(path)),
    ...said('root must be an absolute path, and not /', root !== undefined && !isStateRoot(root)),
    ...said('no argument can hold a NUL', args?.some((arg) => arg.includes('\0')) ?? false),
    ...(type === undefined ? [] : typeProblems(type)),
  ]
}

function pathProblems(path: string): string[] {
  if (path === '') return ['path must not be empty']
  if (path.includes('\0')) return ['path must not hold a NUL']
  if (!path.includes('/') || isAbsolute(path)) return []
  return [`path must be absolute, or a name to look up in PATH, and ${path} is neither`]
}

const isStateRoot = (root: string): boolean => isAbsolute(root) && normalize(root) !== '/' && !root.includes('\0')

/** Who writes our settings is trusted with a path; who only names a runtime is not. */
function typeProblems(type: string): string[] {
  const isPath = isAbsolute(type) && !type.includes('\0')
  return isPath || isPermissibleShim(type)
    ? []
    : [`type must be like io.containerd.kata.v2, or the absolute path of a shim, and "${type}" is neither`]
}

interface Surroundings {
  readonly origin: string
  readonly facts: RegistryFacts
}

function entryOf(name: string, values: Configured, { origin, facts }: Surroundings): RuntimeEntry {
  const { path, args = [], root, type = '', options } = values
  if (path === undefined) return { kind: 'shim', name, isStock: false, origin, type, options } satisfies ShimEntry
  const own = root === undefined ? join(facts.stateRoot, pathPart(name)) : normalize(root).replace(/\/+$/, '')
  return { kind: 'oci', name, isStock: false, origin, path, args, root: own } satisfies OciEntry
}

function placesOf(settings: Settings<KnownValues>, name: string, values: Configured): string {
  const places = Object.keys(values).map((key) => settings.origin(['runtimes', name, key])?.place)
  const found = [...new Set(places)].filter((place) => place !== undefined)
  return found.length > 0 ? found.join(' and ') : (settings.origin(['runtimes', name])?.place ?? '')
}

/** One inside the other is as bad as the same: a state directory is a list of containers. */
function sharedRoots(entries: readonly RuntimeEntry[]): string[] {
  const roots = entries.filter((entry) => entry.kind === 'oci')
  return roots.flatMap((one, index) =>
    roots
      .slice(index + 1)
      .filter((other) => isWithin(one.root, other.root) || isWithin(other.root, one.root))
      .map((other) => `the runtimes ${one.name} and ${other.name} share the state directory ${one.root}`),
  )
}

const isWithin = (inner: string, outer: string): boolean => `${inner}/`.startsWith(`${outer}/`)

function defaultOf(settings: Settings<KnownValues>, runtimes: ReadonlyMap<string, RuntimeEntry>): string {
  const name = settings.values['default-runtime'] || STOCK_RUNTIME
  if (runtimes.has(name) || isPermissibleShim(name)) return name
  const origin = settings.origin(['default-runtime'])?.place
  throw new RuntimeError('runtime-default', {
    what: `specified default runtime '${name}' does not exist`,
    fix: `use one of ${[...runtimes.keys()].join(', ')}, or configure it`,
    ...(origin === undefined ? {} : { origin }),
  })
}

/** The program of a shim that nobody configured. */
export const unconfiguredShim = (name: string): ShimEntry | undefined =>
  isPermissibleShim(name) && shimBinary(name) !== undefined
    ? { kind: 'shim', name, isStock: false, origin: 'name', type: name, options: undefined }
    : undefined
