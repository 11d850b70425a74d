/** --status-fd: somebody waits there until lazy pages may be asked for. */
import { closeSync, writeSync } from 'node:fs'
import { RuntimeError } from '../base/errors.ts'
import type { Host } from '../host/facts.ts'

export class StatusDescriptor {
  #fd: number | undefined

  /** @throws RuntimeError `usage`: only one that our caller gave us is meant */
  constructor(fd: number | undefined, { inheritedFds }: Pick<Host, 'inheritedFds'>) {
    if (fd !== undefined && fd >= 0 && !inheritedFds.includes(fd) && fd > 2)
      throw new RuntimeError('usage', {
        what: `invalid --status-fd argument ${fd}: it is not open`,
        fix: 'open it without close-on-exec before the call, and call bin/usnea itself',
      })
    this.#fd = fd !== undefined && fd >= 0 ? fd : undefined
  }

  /** One NUL, and the end: runc's word for "ready". A reader that is gone needs none. */
  tell(): void {
    if (this.#fd === undefined) return
    const fd = this.#fd
    this.#fd = undefined
    try {
      writeSync(fd, Buffer.alloc(1))
    } catch {
      // see above
    }
    closeSync(fd)
  }
}
