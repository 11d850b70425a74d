/** The scripts of runtimes with arguments go when no task of this service names them any more. */
import { sweepWrappers } from '../../runtimes/wrapper.ts'
import { any } from '../protobuf/google.ts'
import { RUNC_OPTIONS, runcOptions } from '../protobuf/options.ts'
import type { ServiceState } from './state.ts'

/** Once all tasks were found. What a task that cannot be read needs, nobody knows: then all of them stay. */
export function sweepUnused({ tasks, problems, options: { places, warn } }: ServiceState): void {
  if (problems.size > 0) return
  const keep = new Set([...tasks.values()].map(({ record }) => programOf(record.shim.options)))
  try {
    const { failed } = sweepWrappers(places.wrappers, { keep, now: Date.now() })
    for (const path of failed) warn(`the unused script ${path} could not be removed`)
  } catch (error) {
    warn(`unused scripts could not be removed: ${error instanceof Error ? error.message : error}`)
  }
}

function programOf(options: string): string {
  const { typeUrl, value } = any.decode(Buffer.from(options, 'base64'))
  return typeUrl === RUNC_OPTIONS ? runcOptions.decode(value).binaryName : ''
}
