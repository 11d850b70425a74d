/** What a caller without privileges needs and a configuration written for root does not say. */
import type { IdMapping, Linux, Spec } from './types.ts'

export interface IdMaps {
  readonly uidMappings: readonly IdMapping[]
  readonly gidMappings: readonly IdMapping[]
}

/**
 * The configuration with a user namespace and its id maps, each only where it was missing; a namespace that is joined has
 * its own maps and gets none. `added` are the pointers (into the result) of what was put in, for the record.
 */
export function withUserNamespace(spec: Spec, maps: IdMaps): { readonly spec: Spec; readonly added: string[] } {
  const linux: Linux = spec.linux ?? {}
  const namespaces = linux.namespaces ?? []
  const user = namespaces.find(({ type }) => type === 'user')
  if (user?.path) return { spec, added: [] }
  const missing = (['uidMappings', 'gidMappings'] as const).filter((property) => (linux[property] ?? []).length === 0)
  const added = missing.map((property) => `/linux/${property}`)
  if (user === undefined) added.unshift(`/linux/namespaces/${namespaces.length}`)
  if (added.length === 0) return { spec, added }
  const result = {
    ...linux,
    namespaces: user === undefined ? [...namespaces, { type: 'user' as const }] : namespaces,
    ...Object.fromEntries(missing.map((property) => [property, maps[property]])),
  }
  return { spec: { ...spec, linux: result }, added }
}
