/** Quantities as people type them. */

const millisecondsOf: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** The longest wait a timer takes: setTimeout counts in 32 bits and fires at once beyond. */
export const MAX_DURATION = 0x7fff_ffff

/**
 * Milliseconds of `1m30s`, `500ms`, `1.5h`; a bare number counts seconds, as in timeout(1). Whole milliseconds, at
 * least 0, at most MAX_DURATION; undefined when the text is no such duration.
 */
export function parseDuration(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?|(\d+(\.\d+)?(ms|s|m|h))+)$/.test(text)) return undefined
  let total = 0
  for (const [, amount, unit = 's'] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)?/g)) {
    total += Number(amount) * (millisecondsOf[unit] ?? 0)
  }
  return total <= MAX_DURATION ? Math.round(total) : undefined
}

const factors = 'kmgtp'

/**
 * Bytes of `512m`, `1.5G`, `64MiB`, `100b` or a bare number; the suffixes count in 1024. Whole bytes, at most 2^53-1;
 * undefined when the text is no such size.
 */
export function parseSize(text: string): number | undefined {
  const [, amount, suffix = ''] = /^(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?$/i.exec(text) ?? []
  if (amount === undefined) return undefined
  const bytes = Math.floor(Number(amount) * 1024 ** (suffix === '' ? 0 : factors.indexOf(suffix.toLowerCase()) + 1))
  return Number.isSafeInteger(bytes) ? bytes : undefined
}
