/**
 * Bytes in strings: arguments and environments need not be UTF-8. Bytes that are none become the lone surrogates U+DC80
 * to U+DCFF, which no UTF-8 gives, and those become the same bytes again (the way of PEP 383).
 */
import { isUtf8 } from 'node:buffer'

const lone = /[\u{dc80}-\u{dcff}]/u
const runs = /([\u{dc80}-\u{dcff}]+)/u

/** Does the text stand for bytes that are not UTF-8? Then only the launch plan carries it unharmed. */
export const holdsBytes = (text: string): boolean => lone.test(text)

export function textOfBytes(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString()
  let text = ''
  for (let at = 0; at < bytes.length; ) {
    const size = [1, 2, 3, 4].find((length) => at + length <= bytes.length && isUtf8(bytes.subarray(at, at + length)))
    text += size === undefined ? String.fromCharCode(0xdc00 + (bytes[at] ?? 0)) : bytes.toString('utf8', at, at + size)
    at += size ?? 1
  }
  return text
}

export function bytesOfText(text: string): Buffer {
  if (!holdsBytes(text)) return Buffer.from(text)
  const parts = text.split(runs)
  return Buffer.concat(
    parts.map((part, at) =>
      at % 2 === 0 ? Buffer.from(part) : Buffer.from(Array.from(part, (unit) => unit.charCodeAt(0) - 0xdc00)),
    ),
  )
}
