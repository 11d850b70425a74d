/** JSON pointers, RFC 6901: the way every finding names its place in a document. */

/** The pointer of a member or element below `parent`. */
export function child(parent: string, key: string | number): string {
  return `${parent}/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`
}

/** The place itself and all that hold it, without the document as a whole: `/a/b` gives `/a` and `/a/b`. */
export function placesAbove(pointer: string): string[] {
  return keysOf(pointer).map((_, index, keys) => keys.slice(0, index + 1).reduce(child, ''))
}

function keysOf(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** The value at a pointer, undefined when there is none. */
export function valueAt(document: unknown, pointer: string): unknown {
  let value = document
  for (const key of keysOf(pointer)) {
    if (!isContainer(value) || !Object.hasOwn(value, key)) return undefined
    value = value[key]
  }
  return value
}

/**
 * A copy of the document without the values at these pointers: members are gone, list elements become holes, so that the
 * indexes of the others stay. Only the containers on the way are copied, each once.
 */
export function without(document: unknown, pointers: readonly string[]): unknown {
  const copies = new Set<unknown>()
  const copyOf = (value: Container): Container => {
    if (copies.has(value)) return value
    const copy: Container = Array.isArray(value) ? (value.slice() as unknown as Container) : { ...value }
    copies.add(copy)
    return copy
  }
  if (!isContainer(document)) return document
  const root = copyOf(document)
  for (const pointer of pointers) remove(root, keysOf(pointer), copyOf)
  return root
}

type Container = Record<string, unknown>

const isContainer = (value: unknown): value is Container => typeof value === 'object' && value !== null

function remove(root: Container, keys: readonly string[], copyOf: (value: Container) => Container): void {
  let parent = root
  for (const [place, key] of keys.entries()) {
    if (!Object.hasOwn(parent, key)) return
    if (place === keys.length - 1) {
      delete parent[key]
      return
    }
    const value = parent[key]
    if (!isContainer(value)) return
    parent = parent[key] = copyOf(value)
  }
}
