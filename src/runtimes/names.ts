/** What runtimes may be called, and which program a shim's name stands for. */

/** Ours, whatever a file says: see `registry.ts`. */
export const STOCK_RUNTIME = 'usnea'
export const STOCK_SHIM = 'io.containerd.usnea.v2'

const LONGEST = 128

/** Control characters reach terminals and file names; bidirectional ones let a name look like another. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what it is about
const FORBIDDEN = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/

/** Why a runtime cannot be configured under this name, or undefined. A slash is fine: a key is no path. */
export function whyNotRuntimeName(name: string): string | undefined {
  if (name === STOCK_RUNTIME || name === STOCK_SHIM) return `runtime name '${name}' is reserved`
  if (name === '') return 'a runtime needs a name'
  if (FORBIDDEN.test(name)) return 'the name of a runtime holds no control characters'
  return Buffer.byteLength(name) > LONGEST ? `the name of a runtime has at most ${LONGEST} bytes` : undefined
}

/**
 * `containerd-shim-RUNTIME-VERSION` from the last two parts between dots, as containerd derives it, or undefined. A
 * name that begins with a dot has none since containerd 1.7.
 */
export function shimBinary(name: string): string | undefined {
  const parts = name.split('.')
  if (parts.length < 2 || parts[0] === '') return undefined
  return `containerd-shim-${parts.at(-2)}-${parts.at(-1)}`
}

/**
 * May a caller name this shim though nobody configured it? No path: that would let everybody who may ask us for a task
 * run any program as us.
 */
export function isPermissibleShim(name: string): boolean {
  return (
    !name.includes('/') && !FORBIDDEN.test(name) && Buffer.byteLength(name) <= LONGEST && shimBinary(name) !== undefined
  )
}

/**
 * The name as one part of a path. No two names give the same: what is no letter, digit, `_`, `-` or `.` becomes `%XX`,
 * and a dot in front as well.
 */
export function pathPart(name: string): string {
  return [...Buffer.from(name)]
    .map((byte, index) => {
      const letter = String.fromCharCode(byte)
      const isPlain = /[A-Za-z0-9_.-]/.test(letter) && !(index === 0 && letter === '.')
      return isPlain ? letter : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
    })
    .join('')
}
