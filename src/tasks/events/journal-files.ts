/** The files of a journal: their names, and the events that are whole in them. */
import { readdirSync, readFileSync } from 'node:fs'
import { errnoOf } from '../../base/errors.ts'
import type { Event } from './event.ts'

export interface JournalFile {
  /** The number of its first event, which it is called after. */
  readonly first: number
  /** Bytes of whole events. */
  size: number
}

export const fileName = (first: number): string => `events-${String(first).padStart(12, '0')}.jsonl`

export function listFiles(directory: string): JournalFile[] {
  return readdirSync(directory)
    .flatMap((name) => /^events-(\d{12})\.jsonl$/.exec(name)?.[1] ?? [])
    .map((digits) => ({ first: Number(digits), size: 0 }))
    .sort((a, b) => a.first - b.first)
}

export const wholeLines = (bytes: Buffer): Buffer => bytes.subarray(0, bytes.lastIndexOf(0x0a) + 1)

/** What was damaged by others is passed over: the rest is still of use. */
export function parse(bytes: Buffer): Event[] {
  return bytes
    .toString()
    .split('\n')
    .flatMap((line) => {
      try {
        const event = JSON.parse(line) as Event
        return typeof event?.seq === 'number' && typeof event.topic === 'string' && typeof event.event === 'object'
          ? [event]
          : []
      } catch {
        return []
      }
    })
}

/** One that could not be made yet, because the disk is full, has none. */
export function readEvents(path: string): Event[] {
  try {
    return parse(wholeLines(readFileSync(path)))
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []
    throw error
  }
}
