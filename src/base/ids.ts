/** Branded ids: a host id that went through `hostId` cannot be taken for an id of a container by accident. */

declare const brand: unique symbol
type Branded<T, Name extends string> = T & { readonly [brand]: Name }

/** A checked container id: see `whyNotContainerId`. */
export type ContainerId = Branded<string, 'ContainerId'>
/** A user or group id as the namespace we run in sees it. */
export type HostId = Branded<number, 'HostId'>

export const hostId = (value: number): HostId => value as HostId

/** Longest id: it becomes one directory name, NAME_MAX of limits.h less the longest suffix we append to it. */
export const MAX_ID_LENGTH = 240

const idPattern = /^[A-Za-z0-9_+.-]+$/

/** The reason why `text` is no container id, or undefined when it is one. */
export function whyNotContainerId(text: string): string | undefined {
  if (text === '') return 'container id cannot be empty'
  if (text.length > MAX_ID_LENGTH) return `longer than ${MAX_ID_LENGTH} characters`
  if (!idPattern.test(text)) return 'only letters, digits, and the characters _ + - . are allowed'
  if (text === '.' || text === '..') return 'it names a directory'
  return undefined
}
