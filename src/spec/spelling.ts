/**
 * Fields whose names are written in another case. Programs in Go take them all the same, so whoever wrote the document
 * may have seen them hold; to drop one would be to drop what it asks for.
 */
import { error, type Issue, warning } from '../base/issue.ts'
import { type Shape, shapes } from './generated/shapes.ts'
import { child } from './pointer.ts'
import { quote } from './quote.ts'

type Members = Record<string, unknown>

const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** As Go folds: letters alone, also the two outside of ASCII that have an ASCII letter as their other case. */
const fold = (name: string): string => name.toUpperCase().toLowerCase()

/** Asked only for names that are none: mostly there are no such. */
function knownAs(name: string, { fields = {} }: Shape): string | undefined {
  const wanted = fold(name)
  return Object.keys(fields).find((field) => field.length === name.length && fold(field) === wanted)
}

/** The shape at a path of fields. */
export function shapeAt(...path: readonly string[]): Shape | undefined {
  return path.reduce<Shape | undefined>((shape, name) => shapes[shape?.fields?.[name] ?? -1], shapes[0])
}

/** Gives the fields of a document their own names, in place. An error where one of them then has two values. */
export function respell(value: unknown, shape: Shape | undefined, pointer = ''): Issue[] {
  if (!shape) return []
  if (Array.isArray(value)) {
    const items = shapes[shape.items ?? -1]
    return items ? value.flatMap((item, index) => respell(item, items, child(pointer, index))) : []
  }
  if (!isMembers(value)) return []
  const { fields = {}, values = -1 } = shape
  const issues = shape.fields ? respellMembers(value, shape, pointer) : []
  for (const [name, member] of Object.entries(value)) {
    const below = shapes[Object.hasOwn(fields, name) ? (fields[name] ?? -1) : values]
    if (below) issues.push(...respell(member, below, child(pointer, name)))
  }
  return issues
}

function respellMembers(members: Members, shape: Shape, pointer: string): Issue[] {
  return Object.keys(members).flatMap((name): Issue[] => {
    if (Object.hasOwn(shape.fields ?? {}, name)) return []
    const field = knownAs(name, shape)
    if (field === undefined) return []
    const place = child(pointer, field)
    const value = members[name]
    delete members[name]
    const told = warning(place, `is written ${quote(name)}, and is taken for ${quote(field)}`)
    if (Object.hasOwn(members, field)) return [told, ...join(members, field, { value, shape, pointer })]
    members[field] = value
    return [told]
  })
}

/** A field that is there already: sections become one, as Go makes them, but no value is to win over another one. */
function join(
  members: Members,
  field: string,
  { value, shape, pointer }: { value: unknown; shape: Shape | undefined; pointer: string },
): Issue[] {
  const place = child(pointer, field)
  if (!Object.hasOwn(members, field)) members[field] = value
  const now = members[field]
  if (now === value) return []
  const below = shapes[shape?.fields?.[field] ?? shape?.values ?? -1]
  if (!below || !isMembers(now) || !isMembers(value)) return [error(place, 'is there twice, with different values')]
  return Object.keys(value).flatMap((name) => join(now, name, { value: value[name], shape: below, pointer: place }))
}
