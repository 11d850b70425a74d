/** Can denials be seen on this machine? Pure. */
import { RuntimeError } from '../../base/errors.ts'
import type { Host } from '../../host/facts.ts'
import type { Standing } from '../level.ts'

interface Circumstances {
  readonly host: Host
  readonly standing: Standing
}

/** Notice of calls that goes on is Linux 5.5's, and that a listener hears of the end is 5.9's. */
const sinceNotice = { major: 5, minor: 9 }

/** @throws RuntimeError `denials-unavailable` where it is known beforehand that it cannot be had */
export function checkWatchable({ host, standing }: Circumstances): void {
  const { kernel } = host
  const unavailable = (why: string, fix: string) => new RuntimeError('denials-unavailable', { why, fix })
  const isNew =
    kernel.major > sinceNotice.major || (kernel.major === sinceNotice.major && kernel.minor >= sinceNotice.minor)
  if (!isNew)
    throw unavailable(`it takes Linux 5.9, and this is ${kernel.release}`, 'use a newer kernel, or go without a log')
  if (host.arch === 'other') throw unavailable('filters are built for x86-64 and arm64 only', 'go without a log')
  if (standing.level === 'L' && host.ptraceScope > 0)
    throw unavailable(
      `at level L nobody but an ancestor may look into the command: kernel.yama.ptrace_scope is ${host.ptraceScope}`,
      'sysctl kernel.yama.ptrace_scope=0, or run where user namespaces are allowed',
    )
}
