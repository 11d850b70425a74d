/** Where slirp4netns takes requests for ports: a socket that has to have a name, and that is to leave none. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PLACE_FD } from './helper.ts'

/**
 * In the directory that init has handed out, which is nowhere: the kernel lets go of it with whoever has it open. Else
 * (before Linux 5.2) in one of ours, which stays behind only when we are killed while a port is published.
 */
export class ApiPlace implements Disposable {
  /** The path as slirp4netns has it. */
  readonly theirs: string
  /** The path as we have it. */
  readonly ours: string
  readonly #made: string | undefined

  constructor(handed: number | undefined) {
    this.#made = handed === undefined ? mkdtempSync(join(tmpdir(), 'usnea-net-')) : undefined
    this.theirs = join(this.#made ?? `/proc/self/fd/${PLACE_FD}`, 'api')
    this.ours = join(this.#made ?? `/proc/self/fd/${handed}`, 'api')
  }

  [Symbol.dispose](): void {
    if (this.#made !== undefined) rmSync(this.#made, { recursive: true, force: true })
  }
}
