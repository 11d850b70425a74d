// Compiles the schema to plain functions, so that nothing of ajv is loaded at run time (160 ms against about 1 ms).
// The result is TypeScript, because tsc copies nothing else into the library build.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import Ajv from 'ajv'
import standaloneCode from 'ajv/dist/standalone/index.js'
import { transform } from 'esbuild'

const head = `// @ts-nocheck
// Generated from src/spec/schema/config.schema.json by generate.mjs. Do not edit.

/** One finding in the form that ajv documents at https://ajv.js.org/api.html#error-objects. */
export interface SchemaError {
  readonly instancePath: string
  readonly keyword: string
  readonly params: Readonly<Record<string, unknown>>
}

/** All findings on the structure of a whole config.json. */
export function schemaErrors(data: unknown): readonly SchemaError[] {
  return validate(data) ? [] : validate.errors
}
`

const shapesHead = `// Generated from src/spec/schema/config.schema.json by generate.mjs. Do not edit.

/** What lies below a value, by index into the list: \`fields\` of an object that are lists or objects or plain (-1), else -1. */
export interface Shape {
  readonly fields?: Readonly<Record<string, number>>
  /** Of every element of a list. */
  readonly items?: number
  /** Of every value of an object whose keys are free. */
  readonly values?: number
}

/** The first is the whole config.json. */
`

/** Writes src/spec/generated: \`validate.ts\` and \`shapes.ts\`. Throws when the generated code would need a package at run time. */
export async function generate() {
  const schema = JSON.parse(readFileSync(new URL('config.schema.json', import.meta.url), 'utf8'))
  const ajv = new Ajv({
    allErrors: true,
    strict: true,
    inlineRefs: false,
    messages: false,
    code: { source: true, esm: true, optimize: 2 },
    schemas: [schema],
  })
  const code = standaloneCode(ajv, { validate: schema.$id })
  if (/\brequire\(|\bimport\b/.test(code)) throw new Error('the generated validator would import a package')
  const small = await transform(code.replace(/^"use strict";/, ''), {
    minify: true,
    target: 'node20',
    treeShaking: true,
  })
  const folder = new URL('../generated/', import.meta.url)
  mkdirSync(folder, { recursive: true })
  const shapes = shapesOf(schema)
    .map((shape) => `  ${JSON.stringify(shape)},\n`)
    .join('')
  writeFileSync(new URL('shapes.ts', folder), `${shapesHead}export const shapes: readonly Shape[] = [\n${shapes}]\n`)
  writeFileSync(new URL('validate.ts', folder), head + small.code.replace('export{', '\nexport{'))
}

/** The names of all fields, without what is said of their values. */
function shapesOf(schema) {
  const shapes = []
  const known = new Map()
  const resolve = (node) => (node.$ref ? resolve(schema.definitions[node.$ref.split('/').at(-1)]) : node)
  const indexOf = (reference) => {
    const node = resolve(reference)
    if (known.has(node)) return known.get(node)
    if (!node.properties && !node.items && typeof node.additionalProperties !== 'object') return -1
    const shape = {}
    const index = shapes.push(shape) - 1
    known.set(node, index)
    const entries = Object.entries(node.properties ?? {}).map(([name, value]) => [name, indexOf(value)])
    if (entries.length > 0) shape.fields = Object.fromEntries(entries)
    if (node.items) shape.items = indexOf(node.items)
    if (node.additionalProperties) shape.values = indexOf(node.additionalProperties)
    return index
  }
  indexOf(schema)
  return shapes
}
