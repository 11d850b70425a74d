/** Why the kernel refused a map that we wrote ourselves. Pure. */
import { RuntimeError } from '../../base/errors.ts'
import type { Host, IdRange } from '../../host/facts.ts'
import type { Kind } from './grant.ts'
import { CAP_SETFCAP, CAP_SETGID, CAP_SETUID, hasCapability, ownMap } from './powers.ts'
import { idsOf, missing } from './ranges.ts'

export interface WriteFailure {
  readonly host: Host
  readonly file: 'uid_map' | 'gid_map' | 'setgroups'
  readonly ranges: readonly IdRange[]
  readonly errno: string
  readonly pid: number
}

export function diagnoseWrite(failure: WriteFailure): RuntimeError {
  const { file, errno, pid, ranges } = failure
  const lines = ranges.map(({ inner, outer, size }) => `${inner} ${outer} ${size}`).join(', ')
  const facts = {
    what: `cannot write ${file === 'setgroups' ? '"deny"' : `"${lines}"`} to /proc/${pid}/${file}`,
    errno,
    origin: file === 'gid_map' ? '/linux/gidMappings' : '/linux/uidMappings',
  }
  if (errno === 'ENOENT' || errno === 'ESRCH') {
    const why = 'the process to be mapped has ended, or /proc hides it (hidepid)'
    return new RuntimeError('init-died', { ...facts, why, fix: 'look for why it ended with: sudo dmesg' })
  }
  if (errno === 'EINVAL') return new RuntimeError('map-invalid', { ...facts, ...invalidCause })
  const unknown = errno === 'EPERM' ? whyUnknownIds(failure) : undefined
  if (unknown !== undefined) return new RuntimeError('map-range', { ...facts, ...unknown })
  const cause = errno === 'EPERM' ? whyNotPermitted(failure) : whyClosed(failure)
  return new RuntimeError(cause.apparmor === true ? 'userns-apparmor' : 'map-refused', {
    ...facts,
    why: cause.why,
    fix: cause.fix,
  })
}

interface Cause {
  readonly why: string
  readonly fix: string
  readonly apparmor?: boolean
}

const apparmorCause: Cause = {
  why: 'probably AppArmor: kernel.apparmor_restrict_unprivileged_userns is 1 and takes away the capabilities of the new namespace',
  fix: 'sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0; usnea doctor --profile apparmor prints a profile for usnea alone',
  apparmor: true,
}

function whyNotPermitted({ host, file, ranges }: WriteFailure): Cause {
  if (file === 'setgroups') {
    return {
      why: host.apparmorRestrictsUserns
        ? apparmorCause.why
        : 'probably gid_map was written before, and setgroups can be denied only before that',
      fix: host.apparmorRestrictsUserns ? apparmorCause.fix : 'create the namespace again',
      apparmor: host.apparmorRestrictsUserns,
    }
  }
  const single = ranges.length === 1 && ranges[0]?.size === 1
  const own = file === 'uid_map' ? host.uid : host.gid
  const needed = file === 'uid_map' ? { name: 'CAP_SETUID', bit: CAP_SETUID } : { name: 'CAP_SETGID', bit: CAP_SETGID }
  if (!(single && ranges[0]?.outer === own) && !hasCapability(host.capEffective, needed.bit)) {
    return {
      why: `our process lacks ${needed.name}, and without it only our own id can be mapped`,
      fix: `give it ${needed.name}, or map only the id ${own}`,
    }
  }
  if (file === 'uid_map' && mapsOuterRoot(ranges) && !hasCapability(host.capEffective, CAP_SETFCAP)) {
    return {
      why: 'our process lacks CAP_SETFCAP, which mapping the user 0 around us needs since Linux 5.12',
      fix: 'give the outer container SETFCAP (Docker: --cap-add SETFCAP), or do not map hostID 0',
    }
  }
  if (host.apparmorRestrictsUserns) return apparmorCause
  return {
    why: 'probably the map was written before (a map can be written once), or a security module refuses it',
    fix: 'look for a denial with: sudo dmesg',
  }
}

const mapsOuterRoot = (ranges: readonly IdRange[]): boolean => ranges.some(({ outer }) => outer === 0)

function whyClosed({ host }: WriteFailure): Cause {
  if (host.apparmorRestrictsUserns) return apparmorCause
  return {
    why: 'probably the process to be mapped is not dumpable, so that its files in /proc belong to root; or /proc is mounted read-only',
    fix: 'mount /proc read-write and without hidepid in the outer container',
  }
}

/** Ids that our own namespace does not have get EPERM, not EINVAL. */
function whyUnknownIds({ host, file, ranges }: WriteFailure): Cause | undefined {
  const words = unknownIds(host, file === 'gid_map' ? 'gid' : 'uid', ranges)
  return words === undefined
    ? undefined
    : { why: words, fix: 'hostID must be an id of that namespace, not of the host outside' }
}

/** Names the ids outside that do not exist in the user namespace we run in. */
export function unknownIds(host: Host, kind: Kind, ranges: readonly IdRange[]): string | undefined {
  const ours = ownMap(host, kind).map(({ inner, size }) => ({ start: inner, size }))
  const absent = ranges.flatMap(({ outer, size }) => missing({ start: outer, size }, ours))
  if (absent.length === 0) return undefined
  const ids = ours.map(idsOf).join(', ') || 'none'
  return `the ${kind}s ${absent.map(idsOf).join(', ')} do not exist in the user namespace we run in (it has ${ids})`
}

const invalidCause: Cause = {
  why: 'two lines of the map overlap, or a size is zero, or the kernel is older than 4.15 and takes 5 lines only',
  fix: 'use fewer lines that do not overlap',
}
