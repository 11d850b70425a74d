/** Settings that variables of the environment set: a shape names the variable of each. */
import { RuntimeError } from '../base/errors.ts'
import type { Layer } from './layers.ts'
import { dotted, type Shape, type Table } from './shape.ts'

type Env = Readonly<Record<string, string | undefined>>

interface Variable {
  readonly name: string
  readonly path: readonly string[]
  readonly shape: Shape
}

/** The variables that a shape knows. */
export function variablesOf(shape: Shape, path: readonly string[] = []): Variable[] {
  if (shape.kind === 'table') {
    return Object.entries(shape.keys).flatMap(([key, inner]) => variablesOf(inner, [...path, key]))
  }
  return 'env' in shape && shape.env !== undefined ? [{ name: shape.env, path, shape }] : []
}

/** An empty variable counts as none, as everywhere in the environment. Throws config-file-invalid. */
export function environmentLayer(env: Env, shape: Shape): Layer {
  const set = variablesOf(shape).filter(({ name }) => (env[name] ?? '') !== '')
  const values: Record<string, unknown> = {}
  for (const variable of set) put(values, variable.path, readVariable(variable, env[variable.name] ?? ''))
  const names = new Map(set.map(({ name, path }) => [dotted(path), name]))
  return { source: 'environment', values, place: (path) => `$${names.get(dotted(path)) ?? 'environment'}` }
}

function put(values: Record<string, unknown>, [key = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) values[key] = value
  else {
    const inner = (values[key] ?? {}) as Record<string, unknown>
    values[key] = inner
    put(inner, rest, value)
  }
}

const booleans: Readonly<Record<string, boolean>> = { true: true, '1': true, false: false, '0': false }

function readVariable({ name, shape }: Variable, text: string): Table[string] {
  if (shape.kind === 'boolean') {
    const value = booleans[text.toLowerCase()]
    if (value === undefined) throw misread(name, text, 'true or false')
    return value
  }
  if (shape.kind === 'integer' || shape.kind === 'number') {
    if (!/^-?\d+(\.\d+)?$/.test(text)) throw misread(name, text, 'a number')
    return Number(text)
  }
  return text
}

function misread(name: string, text: string, noun: string): RuntimeError {
  return new RuntimeError('config-file-invalid', { details: [`$${name}: "${text}" is not ${noun}`] })
}
