/** The shape of a document against the schema, told in plain sentences. */
import { error, type Issue } from '../base/issue.ts'
import { type SchemaError, schemaErrors } from './generated/validate.ts'
import { child, valueAt } from './pointer.ts'
import { describe } from './quote.ts'

/** All places where the document has the wrong shape, at most one finding a place. */
export function structureIssues(document: unknown): Issue[] {
  const issues = new Map<string, Issue>()
  for (const finding of schemaErrors(document)) {
    const pointer = placeOf(finding)
    const words = `${subject(pointer)}${sentence(finding, valueAt(document, pointer))}`
    if (!issues.has(pointer)) issues.set(pointer, error(pointer, words))
  }
  return [...issues.values()]
}

/** Words that callers match, where a value of a closed list has some. */
function subject(pointer: string): string {
  if (pointer === '/linux/memoryPolicy/mode') return 'invalid memory policy mode: '
  return pointer.startsWith('/linux/memoryPolicy/flags/') ? 'invalid memory policy flag: ' : ''
}

function placeOf({ keyword, instancePath, params }: SchemaError): string {
  return keyword === 'required' ? child(instancePath, String(params.missingProperty)) : instancePath
}

function sentence({ keyword, params }: SchemaError, found: unknown): string {
  switch (keyword) {
    case 'type':
      return `must be ${kinds[String(params.type)] ?? params.type}, found ${describe(found)}`
    case 'enum':
      return `must be one of ${(params.allowedValues as unknown[]).map((value) => JSON.stringify(value)).join(', ')}, found ${describe(found)}`
    case 'minimum':
      return `must be at least ${bound(params.limit)}, found ${describe(found)}`
    case 'maximum':
      return `must be at most ${bound(params.limit)}, found ${describe(found)}`
    case 'minItems':
      return 'must not be empty'
    case 'required':
      return 'is missing'
    case 'pattern':
      return typeof found === 'string' && !found.includes('\0')
        ? `must match ${params.pattern}, found ${describe(found)}`
        : 'must not contain a NUL byte'
    default:
      return `does not satisfy the rule "${keyword}"`
  }
}

/** The bounds of 64-bit numbers are doubles in the schema and would be printed rounded. */
function bound(limit: unknown): string {
  if (limit === 2 ** 64) return '18446744073709551615'
  if (limit === 2 ** 63) return '9223372036854775807'
  return limit === -(2 ** 63) ? '-9223372036854775808' : String(limit)
}

const kinds: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  integer: 'a whole number',
  object: 'an object',
  string: 'a string',
}
