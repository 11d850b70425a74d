/** The resctrl group of one container from its making to its end. What later commands need is in the record. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Dispose } from '../../base/dispose.ts'
import { errnoOf, RuntimeError } from '../../base/errors.ts'
import type { RdtPlan } from './plan.ts'
import { firstDifference } from './schemata.ts'

export interface RdtRecord {
  /** Where resctrl was mounted. */
  readonly root: string
  readonly group: string
  /** Directories that we made for this container alone, in the order in which they are to be removed. */
  readonly made: readonly string[]
  /** Where its own processes are counted; undefined when nobody asked for it. */
  readonly monitor: string | undefined
}

/**
 * Makes the groups, with their limits in force before anything is in them. @throws RuntimeError `rdt-refused`; `undo`
 * then takes away what was made
 */
export function makeRdt(plan: RdtPlan, undo: Dispose): RdtRecord {
  const { root, group, monitor } = plan
  const isNew = openClass(plan, undo)
  if (plan.lines.length > 0) {
    if (isNew) writeSchemata({ root, group }, plan.lines)
    else assertSame(plan)
  }
  if (monitor !== undefined) {
    make(monitor, plan.root)
    undo.push(() => removeDirectory(monitor))
  }
  const made = [...(monitor === undefined ? [] : [monitor]), ...(isNew && plan.kind === 'own' ? [group] : [])]
  return { root, group, made, monitor }
}

/** @returns did we make it? A named one that we made stays when the container goes, but not when its creation fails. */
function openClass({ kind, group, root, lines }: RdtPlan, undo: Dispose): boolean {
  const exists = existsSync(group)
  if (kind === 'own' && exists)
    throw refused(`${group} is there already`, {
      why: 'a group of the name of this container belongs to somebody else, or is left over',
      fix: `rmdir ${group}, or name the class of service that is meant in linux.intelRdt.closID`,
    })
  if (kind !== 'own' && exists) return false
  if (kind !== 'own' && lines.length === 0)
    throw refused(`there is no class of service ${group}`, {
      why: 'without a schema the class must be there before',
      fix: `mkdir ${group} and write its schemata, or give it l3CacheSchema, memBwSchema or schemata`,
    })
  make(group, root)
  undo.push(() => removeDirectory(group))
  return true
}

function make(directory: string, root: string): void {
  try {
    mkdirSync(directory, { mode: 0o755 })
  } catch (cause) {
    const why =
      errnoOf(cause) === 'ENOSPC' ? 'the processor has no more of them: info/*/num_closids, num_rmids' : undefined
    throw failed(`cannot make ${directory}`, { root, cause, why })
  }
}

/** One write(2): the kernel takes all lines or none. */
function writeSchemata({ root, group }: Pick<RdtRecord, 'root' | 'group'>, lines: readonly string[]): void {
  try {
    writeFileSync(join(group, 'schemata'), `${lines.join('\n')}\n`, { flag: 'r+' })
  } catch (cause) {
    throw failed(`cannot write ${lines.join(', ')} to ${group}/schemata`, { root, cause })
  }
}

/** Others may be in it: it must be what was asked for, and is not changed. */
function assertSame({ root, group, lines }: RdtPlan): void {
  const text = readFileSync(join(group, 'schemata'), 'utf8')
  const differs = firstDifference(lines, text, { step: bandwidthStep(root) })
  if (differs === undefined) return
  throw refused(`the class of service ${group} does not hold ${differs}`, {
    why: `it was there before, with ${text
      .trim()
      .split(/\s*\n\s*/)
      .join(', ')}`,
    fix: 'ask for what it holds, leave the schema out, or take another closID',
  })
}

function bandwidthStep(root: string): number {
  try {
    return Number(readFileSync(join(root, 'info/MB/bandwidth_gran'), 'utf8')) || 1
  } catch {
    return 1
  }
}

/** @throws RuntimeError `rdt-refused` */
export function placeInRdt({ root, group, monitor }: RdtRecord, pid: number): void {
  for (const directory of monitor === undefined ? [group] : [group, monitor]) {
    try {
      writeFileSync(join(directory, 'tasks'), String(pid), { flag: 'r+' })
    } catch (cause) {
      throw failed(`cannot add process ${pid} to ${directory}/tasks`, { root, cause })
    }
  }
}

/** @returns what puts back the values of before. @throws RuntimeError `rdt-refused` */
export function updateRdt(record: RdtRecord, lines: readonly string[]): () => void {
  const before = readFileSync(join(record.group, 'schemata'), 'utf8').split('\n').filter(Boolean)
  writeSchemata(record, lines)
  return () => writeSchemata(record, before)
}

/** Processes that are still in a group go back to the one above: the kernel moves them. */
export function removeRdt({ made }: RdtRecord): void {
  for (const directory of made) removeDirectory(directory)
}

function removeDirectory(directory: string): void {
  try {
    rmdirSync(directory)
  } catch (cause) {
    // With a class its groups that count are gone, too.
    if (errnoOf(cause) === 'ENOENT') return
    throw refused(`cannot remove ${directory}`, { cause })
  }
}

interface Details {
  readonly why?: string | undefined
  readonly fix?: string
  readonly cause?: unknown
}

function refused(what: string, { why, fix, cause }: Details): RuntimeError {
  const errno = errnoOf(cause)
  return new RuntimeError('rdt-refused', {
    what: `Intel RDT: ${what}`,
    ...(errno ? { errno } : {}),
    ...(why ? { why } : {}),
    ...(fix ? { fix } : {}),
    origin: '/linux/intelRdt',
    cause,
  })
}

/** The kernel says in words what it did not like, until the next call of anybody. */
function failed(what: string, { root, cause, why }: { root: string; cause: unknown; why?: string | undefined }) {
  return refused(what, { cause, why: why ?? lastStatus(root) })
}

function lastStatus(root: string): string | undefined {
  try {
    const text = readFileSync(join(root, 'info/last_cmd_status'), 'utf8').trim()
    return text === 'ok' ? undefined : `the kernel says: ${text}`
  } catch {
    return undefined
  }
}
