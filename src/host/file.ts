/** Reading small kernel and configuration files: an unreadable one is an answer (`undefined`), never a crash. */
import { readFileSync } from 'node:fs'

/** Whole text, or undefined when the file is missing or closed to us. */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** A file that holds one number, as most of /proc/sys does. */
export function readNumber(path: string): number | undefined {
  const text = readText(path)?.trim()
  if (text === undefined || text === '') return undefined
  const value = Number(text)
  return Number.isFinite(value) ? value : undefined
}

/** Seconds since the boot: proc_uptime(5). */
export const bootSeconds = (): number => Number((readText('/proc/uptime') ?? '0').split(' ')[0])
