/** Small documents for the tests of this room. */
import type { Issue } from '../../../src/base/issue.ts'
import { valueAt } from '../../../src/spec/pointer.ts'
import { template } from '../../../src/spec/template.ts'
import { validate } from '../../../src/spec/validate.ts'

// biome-ignore lint/suspicious/noExplicitAny: the tests damage documents on purpose, against their types
export type Loosened = any

/** A valid document, as plain JSON that a test may change: `edit` gets a fresh copy. */
export function edited(edit: (document: Loosened) => void, rootless = true): Loosened {
  const document = JSON.parse(JSON.stringify(template({ rootless, uid: 1000, gid: 1000 })))
  edit(document)
  return document
}

/** The findings of an edited document as `severity pointer: message`. */
export function findings(edit: (document: Loosened) => void): string[] {
  return told(validate(edited(edit)))
}

export function told(issues: readonly Issue[]): string[] {
  return issues.map(({ severity, pointer, message }) => `${severity} ${pointer}: ${message}`)
}

/** Every pointer of a document, the root included. */
export function pointersOf(document: unknown, pointer = ''): string[] {
  const value = valueAt(document, pointer)
  if (typeof value !== 'object' || value === null) return [pointer]
  return [pointer, ...Object.keys(value).flatMap((key) => pointersOf(document, `${pointer}/${key}`))]
}
