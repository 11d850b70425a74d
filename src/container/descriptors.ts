/** Descriptors that the caller hands through us into the container: socket activation first, then --preserve-fds. */
import { RuntimeError } from '../base/errors.ts'
import { isInherited } from '../host/descriptor.ts'
import type { Host } from '../host/facts.ts'

export interface PassedFds {
  /** Our numbers, in the order in which they become 3, 4, … inside. */
  readonly fds: readonly number[]
  readonly listenFds: number
}

/** @throws RuntimeError `preserve-fds` naming the first that is not open */
export function passedFds(host: Host, preserve: number): PassedFds {
  const listenFds = activationFds(host)
  const count = listenFds + preserve
  const fds = Array.from({ length: count }, (_, i) => 3 + i)
  for (const [i, fd] of fds.entries())
    if (!isInherited(fd)) {
      const what =
        i < listenFds
          ? `descriptor ${fd} of LISTEN_FDS=${listenFds} is not open`
          : `please check that preserved-fd ${i - listenFds} (of ${preserve}) is present`
      throw new RuntimeError('preserve-fds', { what, fix: 'open it without close-on-exec before the call' })
    }
  return { fds, listenFds }
}

/** sd_listen_fds(3): the variables are meant for us only when LISTEN_PID is our pid. */
function activationFds({ env }: Host): number {
  if (Number(env.LISTEN_PID) !== process.pid) return 0
  const count = Number(env.LISTEN_FDS)
  return Number.isSafeInteger(count) && count > 0 ? count : 0
}
