/** Which shim holds a task, and with which options: from the name of a runtime, as settings and the names of shims have it. */
import { isAbsolute, join } from 'node:path'
import { RuntimeError } from '../../base/errors.ts'
import { whyNotProgram } from '../../host/program.ts'
import type { Registry } from '../../runtimes/registry.ts'
import { resolveRuntime } from '../../runtimes/resolve.ts'
import { wrapperFor } from '../../runtimes/wrapper.ts'
import type { ShimOptions } from '../api.ts'

export interface Choice {
  /** Absolute path of a program that is there. */
  readonly binary: string
  readonly options: ShimOptions
}

export interface Surroundings {
  readonly registry: Registry
  /** For the scripts of runtimes with arguments. */
  readonly wrappers: string
  readonly uid: number
}

/**
 * An OCI runtime is held by our shim, with a state directory of its own. A shim's absolute path is taken as it is.
 * @throws RuntimeError `runtime-unknown`, `runtime-missing`, `shim-missing`, `runtime-wrapper`, `task-request`
 */
export function chooseShim(name: string | undefined, { registry, wrappers, uid }: Surroundings): Choice {
  if (name !== undefined && isAbsolute(name)) return { binary: checked(name), options: {} }
  const found = resolveRuntime(name, registry)
  if (found.kind === 'shim') return { binary: found.binary, options: shimOptions(found.options ?? {}) }
  const binaryName = wrapperFor(found, { directory: wrappers, uid })
  const binary = checked(join(registry.facts.programs, 'containerd-shim-usnea-v2'))
  return { binary, options: { binaryName, root: found.root } }
}

function checked(path: string): string {
  const errno = whyNotProgram(path)
  if (errno === undefined) return path
  throw new RuntimeError('shim-missing', { what: `runtime binary not installed: ${path}`, errno })
}

const known: Readonly<Record<string, 'string' | 'boolean'>> = {
  BinaryName: 'string',
  Root: 'string',
  SystemdCgroup: 'boolean',
  NoPivotRoot: 'boolean',
  NoNewKeyring: 'boolean',
}

/** As containerd's configuration writes them. */
function shimOptions(options: Readonly<Record<string, unknown>>): ShimOptions {
  return Object.fromEntries(
    Object.entries(options).map(([name, value]) => {
      const kind = Object.hasOwn(known, name) ? known[name] : undefined
      if (kind === undefined || typeof value !== kind)
        throw new RuntimeError('task-request', {
          what: `the option ${name} of a shim is not known, or has no such value`,
        })
      return [name.slice(0, 1).toLowerCase() + name.slice(1), value]
    }),
  )
}
