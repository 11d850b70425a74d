/** Writing values as TOML on one line. */
import { BARE_KEY, isTable, type Table } from './shape.ts'

const HIDDEN = /[\u007f-\u009f\u2028\u2029]/g

/** JSON's texts are TOML's, but for DEL, which TOML wants escaped; other characters that a terminal obeys go with it. */
export function inlineText(text: string): string {
  return JSON.stringify(text).replace(HIDDEN, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

export const inlineKey = (key: string): string => (BARE_KEY.test(key) ? key : inlineText(key))

export function inlineValue(value: unknown): string {
  if (typeof value === 'string') return inlineText(value)
  if (typeof value === 'number') return inlineNumber(value)
  if (Array.isArray(value)) return `[${value.map(inlineValue).join(', ')}]`
  if (isTable(value)) return inlineTable(value)
  return value instanceof Date ? value.toISOString() : String(value)
}

function inlineTable(table: Table): string {
  const pairs = Object.entries(table).map(([key, value]) => `${inlineKey(key)} = ${inlineValue(value)}`)
  return pairs.length === 0 ? '{}' : `{ ${pairs.join(', ')} }`
}

/** What has no exponent, point or sign of infinity is an integer in TOML, and must then be one that is kept exactly. */
function inlineNumber(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf'
  if (Object.is(value, -0)) return '-0.0'
  return Number.isInteger(value) && !Number.isSafeInteger(value) && !String(value).includes('e')
    ? `${value}.0`
    : String(value)
}

/** `[runtimes."my/own"]` and its keys. */
export function inlineSection(path: readonly string[], table: Table): string {
  const lines = Object.entries(table).map(([key, value]) => `${inlineKey(key)} = ${inlineValue(value)}\n`)
  return `[${path.map(inlineKey).join('.')}]\n${lines.join('')}`
}
