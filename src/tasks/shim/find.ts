/** Which program a runtime's name means. */
import { accessSync, constants } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { RuntimeError } from '../../base/errors.ts'

/**
 * An absolute path, or a shim's type: `io.containerd.runc.v2` is containerd-shim-runc-v2, found on PATH.
 * @throws RuntimeError `shim-missing`, `task-request`
 */
export function findShim(name: string, env: Readonly<Record<string, string | undefined>>): string {
  if (isAbsolute(name)) {
    if (isProgram(name)) return name
    throw new RuntimeError('shim-missing', { what: `runtime binary not installed: ${name}` })
  }
  const binary = binaryName(name)
  if (binary === undefined)
    throw new RuntimeError('task-request', { what: `unknown or invalid runtime name: ${JSON.stringify(name)}` })
  const path = env.PATH ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
  const found = path
    .split(':')
    .filter(isAbsolute)
    .map((directory) => join(directory, binary))
    .find(isProgram)
  if (found !== undefined) return found
  throw new RuntimeError('shim-missing', { what: `runtime "${name}" binary not installed "${binary}"` })
}

/** Two parts at least, the last two of which name it; no path, and nothing before the first dot is hidden. */
export function binaryName(name: string): string | undefined {
  const parts = name.split('.')
  const [shim, version] = parts.slice(-2)
  if (parts.length < 2 || parts[0] === '' || name.includes('/') || !shim || !version) return undefined
  return `containerd-shim-${shim}-${version}`
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
