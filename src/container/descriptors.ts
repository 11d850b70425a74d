/** Descriptors that the caller hands through us into the container: socket activation first, then --preserve-fds. */
import { RuntimeError } from '../base/errors.ts'
import type { Host } from '../host/facts.ts'

export interface PassedFds {
  /** Our numbers, in the order in which they become 3, 4, … inside. */
  readonly fds: readonly number[]
  readonly listenFds: number
}

/** @throws RuntimeError `preserve-fds` naming the first that is not open, `usage` */
export function passedFds(host: Host, preserve: number): PassedFds {
  const listenFds = activationFds(host)
  const activated = Array.from({ length: listenFds }, (_, i) => 3 + i)
  for (const fd of activated)
    if (!host.inheritedFds.includes(fd)) throw absent(`descriptor ${fd} of LISTEN_FDS=${listenFds} is not open`)
  return { fds: [...activated, ...preservedFds(host, preserve, listenFds)], listenFds }
}

/** The `count` descriptors after stdio and `before` others. @throws RuntimeError `preserve-fds`, `usage` */
export function preservedFds(host: Host, count: number, before: number): number[] {
  if (!Number.isSafeInteger(count) || count < 0)
    throw new RuntimeError('usage', { what: `--preserve-fds ${count} is no count of descriptors` })
  const fds = Array.from({ length: count }, (_, i) => 3 + before + i)
  const missing = fds.findIndex((fd) => !host.inheritedFds.includes(fd))
  if (missing >= 0) throw absent(`please check that preserved-fd ${missing} (of ${count}) is present`)
  return fds
}

const absent = (what: string): RuntimeError =>
  new RuntimeError('preserve-fds', {
    what,
    fix: 'open it without close-on-exec before the call, and call bin/usnea itself',
  })

/** sd_listen_fds(3): the variables are meant for us only when LISTEN_PID is our pid. */
function activationFds({ env }: Host): number {
  if (Number(env.LISTEN_PID) !== process.pid) return 0
  const count = Number(env.LISTEN_FDS)
  return Number.isSafeInteger(count) && count > 0 ? count : 0
}
