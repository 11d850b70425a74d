/** The part of update that concerns Intel RDT: other bits of the cache, another share of bandwidth. */
import { RuntimeError } from '../base/errors.ts'
import type { Host } from '../host/facts.ts'
import { hasBandwidthClasses, hasCacheClasses } from '../linux/rdt/check.ts'
import { updateRdt } from '../linux/rdt/manager.ts'
import { linesOf } from '../linux/rdt/schemata.ts'
import type { IntelRdt } from '../spec/types.ts'
import { validate } from '../spec/validate.ts'
import type { ContainerRecord } from '../state/record.ts'

export type RdtChange = Pick<IntelRdt, 'l3CacheSchema' | 'memBwSchema'>

export interface RdtUpdate {
  readonly record: ContainerRecord
  /** Puts the old values back. */
  readonly undo: () => void
}

/** @throws RuntimeError `rdt-missing`, `resources-invalid`, `rdt-refused`; then nothing has changed */
export function changeRdt(record: ContainerRecord, change: RdtChange, host: Host): RdtUpdate {
  if (linesOf(change).length === 0) return { record, undo: () => {} }
  assertEnabled(change, host)
  if (!record.rdt)
    throw new RuntimeError('rdt-missing', {
      what: 'updating a non-existent Intel RDT configuration is not supported',
      why: 'the container was made without linux.intelRdt',
      fix: 'name "intelRdt": {} in its configuration, then make it again',
    })
  const { linux = {} } = record.spec
  const found = validate({ ...record.spec, linux: { intelRdt: change } })
    .filter(({ severity, pointer }) => severity === 'error' && pointer.startsWith('/linux/intelRdt'))
    .map(({ pointer, message }) => `${pointer.slice('/linux/intelRdt'.length)}: ${message}`)
  if (found.length > 0) throw new RuntimeError('resources-invalid', { details: found })
  const undo = updateRdt(record.rdt, linesOf(change))
  const intelRdt = { ...linux.intelRdt, ...change }
  return { record: { ...record, spec: { ...record.spec, linux: { ...linux, intelRdt } } }, undo }
}

/** The words of runc: callers show them. */
function assertEnabled({ l3CacheSchema, memBwSchema }: RdtChange, { resctrl }: Host): void {
  if (l3CacheSchema && !(resctrl && hasCacheClasses(resctrl))) throw notEnabled('Intel RDT/CAT: l3 cache schema')
  if (memBwSchema && !(resctrl && hasBandwidthClasses(resctrl)))
    throw notEnabled('Intel RDT/MBA: memory bandwidth schema')
}

const notEnabled = (feature: string): RuntimeError =>
  new RuntimeError('rdt-missing', {
    what: `${feature} is not enabled`,
    why: 'no resctrl file system that offers it is mounted',
    fix: 'where the processor has it: mount -t resctrl resctrl /sys/fs/resctrl',
  })
