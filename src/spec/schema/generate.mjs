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

/** Writes src/spec/generated/validate.ts. Throws when the generated code would need a package at run time. */
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
  writeFileSync(new URL('validate.ts', folder), head + small.code.replace('export{', '\nexport{'))
}
