/** Signatures of D-Bus types: D-Bus Specification, "Type System". */

/** What came over the bus, or was to go out on it, is not D-Bus. */
export class WireError extends Error {
  override readonly name = 'WireError'
}

const basic = 'ybnqiuxtdsogh'
/** D-Bus Specification, "Valid Signatures". */
const LONGEST = 255
const DEEPEST = 32

/** The complete types that a signature is made of: `a(sv)u` → `a(sv)`, `u`. @throws WireError */
export function typesOf(signature: string): string[] {
  if (signature.length > LONGEST) throw new WireError('a signature is too long')
  const types: string[] = []
  for (let at = 0; at < signature.length; ) {
    const end = endOf(signature, at, 0)
    types.push(signature.slice(at, end))
    at = end
  }
  return types
}

/** One complete type and nothing behind it. @throws WireError */
export function singleType(signature: string): string {
  const [type, ...more] = typesOf(signature)
  if (type === undefined || more.length > 0) throw new WireError(`"${signature}" is not one complete type`)
  return type
}

/** Where the complete type that begins at `at` ends. */
function endOf(signature: string, at: number, depth: number): number {
  const letter = signature[at] ?? ''
  if (depth > DEEPEST) throw new WireError('a signature is too deep')
  if (letter === 'v' || (letter !== '' && basic.includes(letter))) return at + 1
  if (letter === 'a')
    return signature[at + 1] === '{' ? endOfEntry(signature, at + 1, depth + 1) : endOf(signature, at + 1, depth + 1)
  if (letter !== '(' || signature[at + 1] === ')') throw new WireError(`"${signature}" is no signature`)
  let next = at + 1
  while (signature[next] !== ')') next = endOf(signature, next, depth + 1)
  return next + 1
}

function endOfEntry(signature: string, at: number, depth: number): number {
  if (!basic.includes(signature[at + 1] ?? ' ')) throw new WireError(`"${signature}" is no signature`)
  const end = endOf(signature, at + 2, depth)
  if (signature[end] !== '}') throw new WireError(`"${signature}" is no signature`)
  return end + 1
}

/** D-Bus Specification, "Summary of D-Bus Marshaling". */
export function alignmentOf(type: string): 1 | 2 | 4 | 8 {
  const letter = type[0] ?? ''
  if ('ygv'.includes(letter)) return 1
  if ('nq'.includes(letter)) return 2
  return 'biusoah'.includes(letter) ? 4 : 8
}
