/** What a sandbox lets through and denies, at the command line: JSON lines in files, and the denials in words at the end. */
import { closeSync, openSync } from 'node:fs'
import { errnoOf, RuntimeError } from '../base/errors.ts'
import { writeAll } from '../base/files.ts'
import { denialLine, denialOfNetwork } from '../sandbox/denials/denial.ts'
import { DenialList } from '../sandbox/denials/list.ts'
import type { Denial } from '../sandbox/denials/shape.ts'
import { summarizeDenials } from '../sandbox/denials/summary.ts'
import type { NetworkEvent, SandboxOptions } from '../sandbox/index.ts'
import { given } from './given.ts'
import type { Session } from './session.ts'

export interface LogWishes {
  /** `--log-denials`: a file, or `-` for standard error. */
  readonly denials: string | undefined
  /** `--net-log` */
  readonly network: string | undefined
}

const STDERR = 2

export class DenialLog implements Disposable {
  readonly #session: Session
  readonly #wishes: LogWishes
  readonly #denials: number | undefined
  readonly #network: number | undefined
  readonly #seen = new DenialList()

  /** @throws RuntimeError `usage` when a file cannot be opened */
  constructor(wishes: LogWishes, session: Session) {
    this.#session = session
    this.#wishes = wishes
    this.#network = wishes.network === undefined ? undefined : open('net-log', session.path(wishes.network))
    this.#denials =
      wishes.denials === undefined
        ? undefined
        : wishes.denials === '-'
          ? STDERR
          : open('log-denials', session.path(wishes.denials))
  }

  /** What of a sandbox's options is ours. The command must not write to a log of its own denials. */
  options(policy: SandboxOptions): Pick<SandboxOptions, 'denials' | 'onNetwork' | 'kept'> {
    const files = [this.#wishes.denials, this.#wishes.network].flatMap((path) =>
      path === undefined || path === '-' ? [] : [this.#session.path(path)],
    )
    return given({
      denials: this.#denials === undefined ? undefined : this.#onDenial,
      onNetwork: policy.allowHosts && this.#onNetwork,
      kept: files.length > 0 ? files : undefined,
    })
  }

  readonly #onDenial = (denial: Denial): void => {
    if (this.#denials !== undefined) writeAll(this.#denials, denialLine(denial))
    this.#seen.add(denial)
  }

  /** With a log of denials these come by it, too. */
  readonly #onNetwork = (event: NetworkEvent): void => {
    const line = denialOfNetwork(event)
    if (this.#network !== undefined) writeAll(this.#network, denialLine(line))
    if (event.verdict === 'weaker')
      this.#session.note('only the ports that --allow-host names (80 and 443 without) are carried: no netfilter here')
    if (event.verdict === 'refused' && this.#denials === undefined) this.#seen.add(line)
  };

  [Symbol.dispose](): void {
    for (const fd of [this.#denials, this.#network]) if (fd !== undefined && fd !== STDERR) closeSync(fd)
    const { denials } = this.#wishes
    const lines = summarizeDenials(this.#seen.all)
    for (const line of lines) this.#session.note(line)
    if (lines.length > 0 && denials !== undefined && denials !== '-')
      this.#session.note(`all of it is in ${denials}; what would open it: usnea suggest ${denials}`)
  }
}

function open(flag: string, path: string): number {
  try {
    return openSync(path, 'a', 0o600)
  } catch (error) {
    const errno = errnoOf(error)
    throw new RuntimeError('usage', {
      what: `cannot write to the file of --${flag}: ${path}`,
      ...(errno ? { errno } : {}),
    })
  }
}
