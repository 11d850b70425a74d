/** Where the state of containers lives, and the cache and the settings. The only import of env-paths. */
import { chmodSync, mkdirSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { errnoOf, RuntimeError } from '../base/errors.ts'
import { makeDirectories } from '../base/files.ts'
import type { Host } from '../host/facts.ts'
import {
  type Refusal,
  whyNotCreatable,
  whyNotOwnDirectory,
  whyNotPrivateDirectory,
  whyNotRuntimeDirectory,
  whyNotShared,
} from './runtime-directory.ts'

const NAME = 'usnea'

export interface StateRootOptions {
  /** `--root`; the environment variable USNEA_ROOT stands in for it. */
  readonly root?: string
  readonly env?: Host['env']
  /** Other places than /run, /run/user and /tmp: for tests. */
  readonly places?: Places
}

interface Places {
  readonly system: string
  readonly users: string
  readonly shared: string
}

const usualPlaces: Places = { system: '/run', users: '/run/user', shared: '/tmp' }

export interface StateRoot {
  /** Absolute. */
  readonly path: string
  /** What the user should hear, such as a runtime directory that is not ours. */
  readonly warnings: readonly string[]
}

export interface ChosenStateRoot extends StateRoot {
  /** `option`: the user named it, so that a missing one is an error where a missing default is an empty list. */
  readonly source: 'option' | 'system' | 'runtime' | 'shared'
}

interface Candidate {
  readonly path: string
  readonly source: ChosenStateRoot['source']
  readonly refusal: Refusal
}

/** Chooses and makes the state directory. Throws root-unusable, xdg-owner or xdg-missing with every place it tried. */
export function stateRoot(host: Host, options: StateRootOptions = {}): StateRoot {
  const chosen = chooseStateRoot(host, options)
  ensureStateRoot(chosen, host)
  return { path: chosen.path, warnings: chosen.warnings }
}

/** Without side effects, for commands that only read: the directory may not exist yet. */
export function chooseStateRoot(host: Host, options: StateRootOptions = {}): ChosenStateRoot {
  const env = options.env ?? host.env
  const named = options.root || env.USNEA_ROOT || ''
  if (named !== '') return { path: resolveRoot(named, host.cwd), warnings: [], source: 'option' }

  const refused: Candidate[] = []
  for (const candidate of candidates(host, env, options.places ?? usualPlaces)) {
    if (candidate.refusal === undefined) {
      return { path: candidate.path, source: candidate.source, warnings: warnings(host, env, refused) }
    }
    refused.push(candidate)
  }
  throw nothingUsable(host, env, refused)
}

function resolveRoot(root: string, cwd: string): string {
  const path = resolve(cwd, root)
  if (path === '/') {
    throw new RuntimeError('root-unusable', {
      what: 'Option --root argument should not be set to /',
      why: 'containers would be directories of the root directory itself',
      fix: 'name a directory of its own, such as --root /run/usnea',
      origin: '--root',
    })
  }
  return path
}

/** In the order in which they are tried; lazily, so that the first good one ends the search. */
function* candidates(host: Host, env: Host['env'], places: Places): Generator<Candidate> {
  if (honoursXdg(host, env)) yield runtimeCandidate(env.XDG_RUNTIME_DIR ?? '', host.uid)
  if (host.uid === 0) {
    const path = join(places.system, NAME)
    yield { path, source: 'system', refusal: whyNotCreatable(path) }
  }
  if (!host.realRoot) {
    for (const id of loginIds(host)) yield runtimeCandidate(join(places.users, String(id)), host.uid)
  }
  const path = join(places.shared, `${NAME}-${host.uid}`)
  yield { path, source: 'shared', refusal: whyNotShared(places.shared) ?? whyNotPrivateDirectory(path, host.uid) }
}

function runtimeCandidate(directory: string, uid: number): Candidate {
  const path = join(directory, NAME)
  const inside = whyNotOwnDirectory(path, uid)
  const refusal =
    whyNotRuntimeDirectory(directory, uid) ?? (inside === undefined ? undefined : `${NAME} in it: ${inside}`)
  return { path, source: 'runtime', refusal }
}

/** Real root keeps to /run, whatever the variable says; root in a user namespace only when su made it root by name. */
function honoursXdg(host: Host, env: Host['env']): boolean {
  if ((env.XDG_RUNTIME_DIR ?? '') === '' || host.realRoot) return false
  return host.uid !== 0 || env.USER !== 'root'
}

/** Inside a user namespace the login directory has the name of the user outside. */
function loginIds({ uid, uidMap, inUserNamespace }: Host): number[] {
  const range = inUserNamespace ? uidMap.find((r) => uid >= r.inner && uid < r.inner + r.size) : undefined
  const outer = range === undefined ? uid : range.outer + uid - range.inner
  return outer === uid ? [uid] : [outer, uid]
}

function warnings(host: Host, env: Host['env'], refused: readonly Candidate[]): string[] {
  const xdg = honoursXdg(host, env) ? refused[0] : undefined
  if (xdg === undefined) return []
  const inherited = xdg.refusal?.startsWith('it belongs') ? ' (su and sudo -u pass it on from another user)' : ''
  return [`XDG_RUNTIME_DIR is not used: ${placeOf(xdg)}: ${xdg.refusal}${inherited}`]
}

function nothingUsable(host: Host, env: Host['env'], refused: readonly Candidate[]): RuntimeError {
  const details = refused.map((candidate) => `${placeOf(candidate)}: ${candidate.refusal}`)
  const fix = 'pass --root DIR with a directory of yours on a local file system'
  const facts = { details, origin: '--root' }
  if (!honoursXdg(host, env) && host.uid !== 0) {
    return new RuntimeError('xdg-missing', { ...facts, why: 'XDG_RUNTIME_DIR is not set, and no other place will do' })
  }
  if (refused[0]?.refusal?.startsWith('it belongs')) return new RuntimeError('xdg-owner', facts)
  return new RuntimeError('root-unusable', { ...facts, why: 'no place that we tried will do', fix })
}

const placeOf = ({ path, source }: Candidate): string => (source === 'runtime' ? dirname(path) : path)

/**
 * Makes the directory, 0700. The sticky bit goes only on one that we made in a runtime directory: there it keeps the
 * periodic clean-up away (XDG base directory specification). A directory of the user's is never changed.
 */
export function ensureStateRoot(chosen: ChosenStateRoot, host: Host): void {
  const { path, source } = chosen
  const recursive = source === 'option' || source === 'system'
  try {
    const made = recursive ? makeDirectories(path, 0o700) : mkdirSync(path, 0o700)
    // The other one either made it or threw.
    if (source === 'runtime') chmodSync(path, 0o1700)
    // Only where the umask took something: by its path it may be another one by now.
    else if ((made || !recursive) && (process.umask() & 0o700) !== 0) chmodSync(path, 0o700)
  } catch (failure) {
    if (errnoOf(failure) !== 'EEXIST' || recursive) throw cannotMake(chosen, failure)
  }
  if (recursive) return
  // Someone may have been faster than our look at the place, or have planted a link.
  const refusal = source === 'shared' ? whyNotPrivateDirectory(path, host.uid) : whyNotOwnDirectory(path, host.uid)
  if (refusal !== undefined)
    throw new RuntimeError('root-unusable', { details: [`${path}: ${refusal}`], ...anotherPlace })
}

const anotherPlace = {
  why: 'another user may have made it',
  fix: 'remove it, or pass --root DIR with a directory of yours',
  origin: '--root',
}

function cannotMake({ path, source }: ChosenStateRoot, failure: unknown): RuntimeError {
  const errno = errnoOf(failure)
  return new RuntimeError('root-unusable', {
    what: `cannot make the state directory ${path}`,
    ...(errno === undefined ? {} : { errno }),
    why:
      errno === 'EEXIST' || errno === 'ENOTDIR'
        ? 'a part of the path is not a directory'
        : 'its parent is closed to us',
    fix: 'pass --root DIR with a directory of yours on a local file system',
    origin: source === 'option' ? '--root' : 'default',
    cause: failure,
  })
}

/** $XDG_CACHE_HOME/usnea or ~/.cache/usnea. Undefined when we have no home. */
export const cachePath = (): Promise<string | undefined> => homePath('cache')

/** $XDG_CONFIG_HOME/usnea or ~/.config/usnea. Undefined when we have no home. */
export const configPath = (): Promise<string | undefined> => homePath('config')

/** $XDG_DATA_HOME/usnea or ~/.local/share/usnea. Undefined when we have no home. */
export const dataPath = (): Promise<string | undefined> => homePath('data')

/**
 * We have no home with a user id that has no entry in the user database, and no HOME. Imported late because env-paths
 * looks for the home directory while it is loaded.
 */
async function homePath(kind: 'cache' | 'config' | 'data'): Promise<string | undefined> {
  try {
    const { default: envPaths } = await import('env-paths')
    return envPaths(NAME, { suffix: '' })[kind]
  } catch (failure) {
    if (errnoOf(failure) === 'ERR_SYSTEM_ERROR' || errnoOf(failure) === 'ENOENT') return undefined
    throw failure
  }
}
