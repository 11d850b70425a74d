/** What the directory of a layer holds: `layer.json`, and for each folder what was changed and what it began from. */
import { mkdirSync, readFileSync } from 'node:fs'
import { uptime } from 'node:os'
import { join } from 'node:path'
import { errnoOf, RuntimeError } from '../../base/errors.ts'
import { replaceFile } from '../../base/files.ts'
import type { Backend } from '../backends.ts'
import { type Bases, parseBases, parseFacts, printBases, printFacts } from './bases.ts'
import type { Facts } from './facts.ts'

export interface Run {
  /** Nanoseconds since 1970, in decimal: what the host changes from then on is told by its ctime. */
  readonly at: string
  /** Seconds since the boot, and which boot: they tell whether the clock was set back since. */
  readonly uptime: number
  readonly bootId: string
  readonly argv: readonly string[]
  /** Is it known what the command began from? */
  readonly isRecorded: boolean
  /** Paths in which something stood that the command could not remove, and that is not tried. */
  readonly covered?: readonly string[]
}

export interface LayerRecord {
  readonly schemaVersion: 1
  readonly name: string
  readonly isNamed: boolean
  readonly backend: Backend
  /** Why an earlier way did not do. */
  readonly because: readonly string[]
  readonly created: string
  /** Real paths. */
  readonly folders: readonly string[]
  readonly runs: readonly Run[]
  /** What a copy had to leave out. */
  readonly missing: readonly string[]
}

const FILE = 'layer.json'
/** Runs that are remembered. */
const KEPT_RUNS = 50

export function writeRecord(directory: string, record: LayerRecord): void {
  const kept = { ...record, runs: record.runs.slice(-KEPT_RUNS) }
  replaceFile(join(directory, FILE), `${JSON.stringify(kept, undefined, 2)}\n`, 0o600)
}

/** Undefined for a directory that never became a layer. @throws RuntimeError `layer-damaged` */
export function readRecord(directory: string): LayerRecord | undefined {
  try {
    const record = JSON.parse(readFileSync(join(directory, FILE), 'utf8')) as LayerRecord
    if (record.schemaVersion === 1 && Array.isArray(record.folders) && Array.isArray(record.runs)) return record
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw damaged(directory, error)
  }
  throw damaged(directory, undefined)
}

const damaged = (directory: string, cause: unknown): RuntimeError =>
  new RuntimeError('layer-damaged', { what: `the layer in ${directory} is damaged: its ${FILE} cannot be read`, cause })

/** What is given to fuse-overlayfs as a whole, and nothing else is in it. */
export const servedOf = (directory: string, folder: number): string => join(directory, `${folder}`, 'served')
/** What fuse-overlayfs says. */
export const saidOf = (directory: string, folder: number): string => join(directory, `${folder}`, 'said')
/** Of an overlay, whoever makes it. */
type Overlaid = Exclude<Backend, 'copy'>
const overlaid = (directory: string, folder: number, backend: Overlaid): string =>
  backend === 'overlay' ? join(directory, `${folder}`) : servedOf(directory, folder)
export const upperOf = (directory: string, folder: number, backend: Overlaid = 'overlay'): string =>
  join(overlaid(directory, folder, backend), 'upper')
export const workOf = (directory: string, folder: number, backend: Overlaid = 'overlay'): string =>
  join(overlaid(directory, folder, backend), 'work')
export const copyOf = (directory: string, folder: number): string => join(directory, `${folder}`, 'copy')
/** Where the changed files of a folder lie. */
export const contentOf = (directory: string, folder: number, backend: Backend): string =>
  backend === 'copy' ? copyOf(directory, folder) : upperOf(directory, folder, backend)

function readOptional<T>(path: string, parse: (text: string) => T): T | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
  try {
    return parse(text)
  } catch (error) {
    throw new RuntimeError('layer-damaged', { what: `${path} of the layer cannot be read`, cause: error })
  }
}

export const readBases = (directory: string, folder: number): Bases =>
  readOptional(join(directory, `${folder}`, 'bases.jsonl'), parseBases) ?? new Map()

export const writeBases = (directory: string, folder: number, bases: Bases): void =>
  replaceFile(join(directory, `${folder}`, 'bases.jsonl'), printBases(bases), 0o600)

/** `began`: the files of a copy when it was made. `seen`: the host's files before a run, where no clock tells. */
export type Listing = 'began' | 'seen'

export const readListing = (directory: string, folder: number, which: Listing): Map<string, Facts> | undefined =>
  readOptional(join(directory, `${folder}`, `${which}.jsonl`), parseFacts)

export const writeListing = (
  directory: string,
  folder: number,
  { which, facts }: { which: Listing; facts: ReadonlyMap<string, Facts> },
): void => replaceFile(join(directory, `${folder}`, `${which}.jsonl`), printFacts(facts), 0o600)

export const now = (bootId: string, at: bigint, argv: readonly string[]): Run => ({
  at: String(at),
  uptime: uptime(),
  bootId,
  argv,
  isRecorded: false,
})

/** What of a step back of the clock is taken for an inaccuracy. */
const TOLERANCE_SECONDS = 0.1

/** The moment from which on a ctime may be later than the start of the run, also when the clock was set back since. */
export function startOf(run: Run, bootId: string): bigint {
  const at = BigInt(run.at)
  if (run.bootId !== bootId) return at
  const [byClock, bySteadyTime] = [Date.now() / 1000 - Number(at) / 1e9, uptime() - run.uptime]
  const behind = bySteadyTime - byClock
  return behind > TOLERANCE_SECONDS ? at - BigInt(Math.ceil(behind * 1000)) * 1_000_000n : at
}

export const remakeDirectory = (path: string): void => mkdirSync(path, { mode: 0o700 })
