/** What is kept on disk of one task, in its bundle: enough to find it again, and to clean up after it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { errnoOf } from '../base/errors.ts'
import { replaceFile } from '../base/files.ts'

export const RECORD = 'task.json'
const VERSION = 1

export interface TaskIo {
  /** Paths of fifos, or `file://`, `binary://`; empty is none. */
  readonly stdin: string
  readonly stdout: string
  readonly stderr: string
  readonly terminal: boolean
}

/** A process that cannot be mistaken for a later one with the same number. */
export interface ProcessName {
  readonly pid: number
  /** Clock ticks after boot, as text; empty when it was gone before we looked. */
  readonly startTime: string
}

export interface ShimRecord {
  /** The name that was asked for. */
  readonly runtime: string
  /** Absolute. */
  readonly binary: string
  /** google.protobuf.Any, base64, as it went to the shim. */
  readonly options: string
  /** Empty until the shim has said it. */
  readonly address: string
  /** 2 or 3, of containerd's task service. */
  readonly version: number
  readonly process?: ProcessName
}

export interface TaskRecord {
  readonly namespace: string
  readonly id: string
  /** Differs between two tasks of the same id. */
  readonly instance: string
  readonly bundle: string
  /** Milliseconds since 1970. */
  readonly created: number
  readonly io: TaskIo
  readonly shim: ShimRecord
  /** The container's first process; absent while it is made. */
  readonly process?: ProcessName
  /** `making` until the shim has made it; `leaving` from the moment that it is deleted. */
  readonly phase: 'making' | 'there' | 'leaving'
  /** Start was called: whatever became of it. */
  readonly wasStarted: boolean
  readonly labels: Readonly<Record<string, string>>
}

/** @throws the system error */
export function writeRecord(record: TaskRecord): void {
  replaceFile(join(record.bundle, RECORD), `${JSON.stringify({ version: VERSION, ...record })}\n`, 0o600)
}

/** Undefined where there is none, or none that can be understood. */
export function readRecord(bundle: string): TaskRecord | undefined {
  try {
    const found = JSON.parse(readFileSync(join(bundle, RECORD), 'utf8')) as (TaskRecord & { version?: number }) | null
    if (
      found?.version !== VERSION ||
      typeof found.shim?.binary !== 'string' ||
      typeof found.io !== 'object' ||
      found.io === null
    )
      return undefined
    return found
  } catch (error) {
    if (error instanceof SyntaxError || errnoOf(error) !== undefined) return undefined
    throw error
  }
}
