/** Tasks of a service as its records have them, without asking it: also of one that does not run. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Places } from './places.ts'
import { type ProcessName, readRecord } from './record.ts'

export interface RecordedTask {
  /** `NAMESPACE/ID` */
  readonly id: string
  readonly process: ProcessName
}

export function recordedTasks({ state }: Places): RecordedTask[] {
  return namesIn(state).flatMap((namespace) =>
    namesIn(join(state, namespace)).flatMap((id) => {
      const process = readRecord(join(state, namespace, id))?.process
      return process === undefined ? [] : [{ id: `${namespace}/${id}`, process }]
    }),
  )
}

/** No service was ever here, or it is closed to us. */
function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}
