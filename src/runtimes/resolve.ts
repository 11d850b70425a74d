/** From a name to a program that is there. */
import { isAbsolute } from 'node:path'
import { RuntimeError } from '../base/errors.ts'
import { nearest } from '../base/nearest.ts'
import { findProgram, whyNotProgram } from '../host/program.ts'
import type { OciEntry, ResolvedRuntime, RuntimeEntry, ShimEntry } from './entry.ts'
import { shimBinary } from './names.ts'
import { type Registry, type RegistryFacts, unconfiguredShim } from './registry.ts'

/**
 * An empty name or none means the default one. The answer is the caller's own: nothing in it is the registry's.
 * @throws RuntimeError `runtime-unknown`, `runtime-missing`, `shim-missing`
 */
export function resolveRuntime(name: string | undefined, registry: Registry): ResolvedRuntime {
  const entry = findRuntime(name, registry)
  return entry.kind === 'oci' ? resolveOci(entry, registry.facts) : resolveShim(entry, registry.facts)
}

/** The same without a look for the program. @throws RuntimeError `runtime-unknown` */
export function findRuntime(name: string | undefined, { runtimes, defaultName }: Registry): RuntimeEntry {
  const wanted = name || defaultName
  const entry = runtimes.get(wanted) ?? unconfiguredShim(wanted)
  if (entry !== undefined) return entry
  const meant = nearest(wanted, runtimes.keys())
  throw new RuntimeError('runtime-unknown', {
    what: `unknown or invalid runtime name: ${JSON.stringify(wanted).slice(1, -1)}`,
    fix: `${meant === undefined ? 'see usnea runtimes list' : `use ${meant}`}, or add it to config.toml`,
  })
}

function resolveOci({ name, path, args, root, origin }: OciEntry, { env }: RegistryFacts): ResolvedRuntime {
  return { kind: 'oci', name, path: lookUp(path, { env, origin }), args: [...args], root }
}

/** The words that podman, docker and containerd look for in the errors of a missing program. */
function lookUp(path: string, { env, origin }: { env: RegistryFacts['env']; origin: string }): string {
  const errno = isAbsolute(path) ? whyNotProgram(path) : undefined
  const found = isAbsolute(path) ? (errno === undefined ? path : undefined) : findProgram(path, env)
  if (found !== undefined) return found
  const why = errno === undefined ? 'executable file not found in $PATH' : undefined
  throw new RuntimeError('runtime-missing', {
    what: `error while looking up the specified runtime path: exec: "${path}"${why === undefined ? '' : `: ${why}`}`,
    ...(errno === undefined ? {} : { errno }),
    origin,
  })
}

function resolveShim(entry: ShimEntry, facts: RegistryFacts): ResolvedRuntime {
  const { name, type, options, origin } = entry
  const copy = options === undefined ? undefined : structuredClone(options)
  return { kind: 'shim', name, type, binary: findShim(entry, facts) ?? missing(), options: copy }

  function missing(): never {
    throw new RuntimeError('shim-missing', {
      what: `runtime "${name}" binary not installed "${isAbsolute(type) ? type : shimBinary(type)}"`,
      origin,
    })
  }
}

/** Never in the current directory, where containerd looks first. Ours is nobody else's, whatever PATH has. */
function findShim({ type, isStock }: ShimEntry, { env, programs }: RegistryFacts): string | undefined {
  if (isAbsolute(type)) return whyNotProgram(type) === undefined ? type : undefined
  const binary = shimBinary(type)
  if (binary === undefined) return undefined
  const beside = findProgram(binary, { PATH: programs })
  return isStock ? beside : (findProgram(binary, env) ?? beside)
}
