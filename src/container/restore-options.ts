/** What a caller may ask of restore, and what it comes to. */
import type { ContainerId } from '../base/ids.ts'
import type { RestoreWishes } from '../linux/criu/options.ts'
import type { RawWishes } from '../linux/criu/wishes.ts'

export interface RestoreOptions extends RawWishes {
  readonly id: ContainerId
  readonly bundle: string
  readonly imagePath: string
  /** For logs; the image's directory when absent. */
  readonly workPath?: string
  readonly consoleSocket?: string
  readonly pidFile?: string
  readonly detach?: boolean
  readonly noPivot?: boolean
  readonly tcpClose?: boolean
  /** TYPE:NAME */
  readonly lsmProfile?: string
  readonly lsmMountContext?: string
}

export interface ReviveOptions extends RestoreOptions {
  readonly wishes: RestoreWishes
  readonly stdio: readonly [number, number, number]
}
