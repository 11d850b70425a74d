/**
 * What a file of settings may hold, as data: each room that has settings gives the shape of its table, and one check
 * names every key that is none, with the nearest that is one.
 */
import { nearest } from '../base/nearest.ts'
import type { Path } from './positions.ts'

interface LeafOptions {
  /** The environment variable that sets it. */
  readonly env?: string
  /** One line for people. */
  readonly help?: string
}

export interface TextShape<Words extends string = string> extends LeafOptions {
  readonly kind: 'text'
  readonly oneOf?: readonly Words[]
  /** A sentence about what is wrong with it, or undefined. */
  readonly check?: (text: string) => string | undefined
}

export interface BooleanShape extends LeafOptions {
  readonly kind: 'boolean'
}

export interface NumberShape extends LeafOptions {
  readonly kind: 'integer' | 'number'
  readonly least?: number
  readonly most?: number
}

export interface ListShape<Of extends Shape = Shape> {
  readonly kind: 'list'
  readonly of: Of
}

/** Keys that we name. */
export interface TableShape<Keys extends Record<string, Shape> = Record<string, Shape>> {
  readonly kind: 'table'
  readonly keys: Keys
}

/** Keys that the user names, each with a value of one shape. */
export interface NamedShape<Of extends Shape = Shape> {
  readonly kind: 'named'
  readonly of: Of
  readonly checkName?: (name: string) => string | undefined
}

/** A value that is somebody else's: handed on as it is. */
export interface AnyShape {
  readonly kind: 'any'
}

/** One of several, chosen by the type of the value: `net = "none"` or `[net]`. */
export interface EitherShape<Of extends readonly Shape[] = readonly Shape[]> {
  readonly kind: 'either'
  readonly of: Of
}

export type Shape =
  | TextShape
  | BooleanShape
  | NumberShape
  | AnyShape
  | { readonly kind: 'list'; readonly of: Shape }
  | { readonly kind: 'table'; readonly keys: { readonly [key: string]: Shape } }
  | { readonly kind: 'named'; readonly of: Shape; readonly checkName?: (name: string) => string | undefined }
  | { readonly kind: 'either'; readonly of: readonly Shape[] }

/** The values that a shape lets through. Every key of a table may be missing. */
export type ValueOf<S> = S extends { kind: 'text'; oneOf: readonly (infer Words)[] }
  ? Words
  : S extends { kind: 'text' }
    ? string
    : S extends { kind: 'boolean' }
      ? boolean
      : S extends { kind: 'integer' | 'number' }
        ? number
        : S extends { kind: 'list'; of: infer Of }
          ? readonly ValueOf<Of>[]
          : S extends { kind: 'table'; keys: infer Keys }
            ? { readonly [Key in keyof Keys]?: ValueOf<Keys[Key]> }
            : S extends { kind: 'named'; of: infer Of }
              ? { readonly [name: string]: ValueOf<Of> }
              : S extends { kind: 'either'; of: readonly (infer Of)[] }
                ? ValueOf<Of>
                : unknown

export interface Problem {
  readonly path: Path
  readonly message: string
}

/** Everything that is wrong, in the order of the value's keys. */
export function checkShape(value: unknown, shape: Shape, path: Path = []): Problem[] {
  switch (shape.kind) {
    case 'any':
      return []
    case 'text':
      return typeof value === 'string' ? tell(path, textProblem(value, shape)) : mistyped(path, value, shape)
    case 'boolean':
      return typeof value === 'boolean' ? [] : mistyped(path, value, shape)
    case 'integer':
    case 'number':
      return typeof value === 'number' ? tell(path, numberProblem(value, shape)) : mistyped(path, value, shape)
    case 'list':
      if (!Array.isArray(value)) return mistyped(path, value, shape)
      return value.flatMap((element, index) => checkShape(element, shape.of, [...path, index]))
    case 'either': {
      const fitting = shape.of.find((one) => fits(value, one))
      return fitting === undefined ? mistyped(path, value, shape) : checkShape(value, fitting, path)
    }
    default:
      return isTable(value) ? tableProblems(value, shape, path) : mistyped(path, value, shape)
  }
}

export type Table = Readonly<Record<string, unknown>>

/** Dates are objects as well, and no tables. */
export function isTable(value: unknown): value is Table {
  return (
    typeof value === 'object' &&
    value !== null &&
    [Object.prototype, null].includes(Object.getPrototypeOf(value) as object | null)
  )
}

function tableProblems(value: Table, shape: TableShape | NamedShape, path: Path): Problem[] {
  return Object.entries(value).flatMap(([key, inner]) => {
    const here = [...path, key]
    if (shape.kind === 'named') {
      return [...tell(here, shape.checkName?.(key)), ...checkShape(inner, shape.of, here)]
    }
    const known = Object.hasOwn(shape.keys, key) ? shape.keys[key] : undefined
    return known === undefined ? tell(here, unknownKey(key, shape, path)) : checkShape(inner, known, here)
  })
}

function unknownKey(key: string, { keys }: TableShape, path: Path): string {
  const names = Object.keys(keys)
  const meant = nearest(key, names)
  const table = path.length === 0 ? '' : ` in ${dotted(path)}`
  return `unknown key "${key}"${table}: ${meant === undefined ? `it may be one of ${names.join(', ')}` : `did you mean ${meant}?`}`
}

function textProblem(value: string, { oneOf, check }: TextShape): string | undefined {
  if (oneOf === undefined || oneOf.includes(value)) return check?.(value)
  const meant = nearest(value, oneOf)
  return `"${value}" is not one of ${oneOf.join(', ')}${meant === undefined ? '' : `: did you mean ${meant}?`}`
}

function numberProblem(value: number, { kind, least, most }: NumberShape): string | undefined {
  if (!Number.isFinite(value)) return `${value} is not ${nouns[kind]}`
  if (kind === 'integer' && !Number.isSafeInteger(value)) return `${value} is not a whole number`
  if (least !== undefined && value < least) return `${value} is less than ${least}`
  return most !== undefined && value > most ? `${value} is more than ${most}` : undefined
}

type Kind = Exclude<Shape['kind'], 'either'>

const nouns: Readonly<Record<Kind, string>> = {
  text: 'a text in quotes',
  boolean: 'true or false',
  integer: 'a whole number',
  number: 'a number',
  list: 'a list',
  table: 'a table',
  named: 'a table',
  any: 'a value',
}

const nounOf = (shape: Shape): string =>
  shape.kind === 'either' ? shape.of.map(nounOf).join(' or ') : nouns[shape.kind]

/** Of the right type, whatever is in it. */
function fits(value: unknown, shape: Shape): boolean {
  if (shape.kind === 'either') return shape.of.some((one) => fits(value, one))
  if (shape.kind === 'any') return true
  const kind = shape.kind === 'integer' ? 'number' : shape.kind === 'named' ? 'table' : shape.kind
  return kindOf(value) === kind
}

function kindOf(value: unknown): Kind {
  if (typeof value === 'string') return 'text'
  if (typeof value === 'boolean') return 'boolean'
  if (typeof value === 'number') return 'number'
  if (Array.isArray(value)) return 'list'
  return isTable(value) ? 'table' : 'any'
}

function mistyped(path: Path, value: unknown, shape: Shape): Problem[] {
  const name = path.length === 0 ? 'the whole' : dotted(path)
  const kind = kindOf(value)
  return tell(path, `${name} must be ${nounOf(shape)}, and it is ${kind === 'any' ? 'a date' : nouns[kind]}`)
}

const tell = (path: Path, message: string | undefined): Problem[] => (message === undefined ? [] : [{ path, message }])

export const BARE_KEY = /^[A-Za-z0-9_-]+$/

/** A key as TOML writes it: `runtimes."my/own".args[1]`. */
export function dotted(path: Path): string {
  return path
    .map((part, index) => {
      if (typeof part === 'number') return `[${part}]`
      return `${index === 0 ? '' : '.'}${BARE_KEY.test(part) ? part : JSON.stringify(part)}`
    })
    .join('')
}
