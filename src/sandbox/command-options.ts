/** What a plan has to know of one command. */
export interface CommandOptions {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** Bits that are off in the mode of new files. */
  readonly umask: number
  /** A session of its own: no controlling terminal that could be written to. */
  readonly newSession: boolean
  /** Does an observer see what it is denied? */
  readonly isWatched?: boolean
}
