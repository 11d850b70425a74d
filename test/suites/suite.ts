/** What a foreign suite must tell to be run from a checkout. */
export interface Suite {
  /** What is missing in the checkout or on the machine, each with how to get it. */
  readonly missing: (checkout: string, mode: Mode) => string[]
  /** Names of its files or programs, in order. */
  readonly list: (checkout: string) => string[]
  readonly plan: (name: string, place: Place) => Plan
}

/** As whom the suite runs: root, a user with ranges of subordinate ids, or one with nothing. */
export type Mode = 'root' | 'ranges' | 'plain'

export interface Place {
  readonly checkout: string
  readonly runtime: string
  readonly mode: Mode
  /** A directory that belongs to whoever runs the suite, emptied for each file. */
  readonly scratch: string
  /** First of 65536 subordinate ids, in mode ranges. */
  readonly ranges: number | undefined
  /** A directory in front of PATH. */
  readonly programs: string
}

/** How one file is run. Its standard output and error are read as TAP. */
export interface Plan {
  readonly argv: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly needsTerminal: boolean
  /** How the mounts of the file reach those around it; see mount_namespaces(7). */
  readonly propagation: 'private' | 'shared'
}

export type Status = 'pass' | 'fail' | 'skip' | 'lost'

/** One test of a file. `lost` are those that were announced and never told of. */
export interface Verdict {
  readonly test: string
  readonly status: Status
  readonly note: string
}
