/** Why newuidmap or newgidmap failed. Pure: the facts are gathered in write.ts. */
import { catalogue } from '../../base/catalogue.ts'
import { type Code, type ErrorFacts, RuntimeError } from '../../base/errors.ts'
import type { Host, IdRange } from '../../host/facts.ts'
import { unknownIds } from './diagnose-write.ts'
import { freeRange, grantCommand, isFree, type Kind, takenRanges } from './grant.ts'
import { CAP_SETGID, CAP_SETUID, hasCapability } from './powers.ts'
import { isMapped } from './ranges.ts'

export interface HelperFile {
  readonly path: string
  /** Permission bits with the setuid bit; undefined when the file cannot be read. */
  readonly mode: number | undefined
  /** Owner as we see it: an unmapped one shows as the overflow uid. */
  readonly owner: number | undefined
  /** Is its file system mounted nosuid? */
  readonly nosuid: boolean
  /** Does it carry security.capability? Undefined when nobody could tell. */
  readonly hasCapability: boolean | undefined
}

export interface HelperFailure {
  readonly host: Host
  readonly kind: Kind
  /** The arguments after the program. */
  readonly args: readonly string[]
  readonly stderr: string
  /** Undefined when the helper did not run to its end. */
  readonly exitCode: number | undefined
  /** Why it did not start, or ETIMEDOUT. */
  readonly errno?: string | undefined
  readonly helper: HelperFile
}

type Finding = { readonly code: Code } & ErrorFacts

/** What the helper said decides; where it only says that the kernel refused the write, the facts do. */
export function diagnoseHelper(failure: HelperFailure): RuntimeError {
  const { code, ...facts } = notRun(failure) ??
    refusedByHelper(failure) ??
    withoutEffect(failure) ?? { code: 'map-helper-failed' as const }
  return new RuntimeError(code, {
    what: `cannot write the ${failure.kind} map of the container with ${[failure.helper.path, ...failure.args].join(' ')}`,
    details: said(failure),
    origin: `/linux/${failure.kind}Mappings`,
    why: catalogue[code].what,
    fix: 'see what the helper says in this message; map only your own id to do without it',
    ...stock(code),
    ...facts,
  })
}

/** The stock cause and fix of the code, where it has them. */
function stock(code: Code): ErrorFacts {
  const { why, fix }: { why?: string; fix?: string } = catalogue[code]
  return { ...(why === undefined ? {} : { why }), ...(fix === undefined ? {} : { fix }) }
}

function said({ stderr, exitCode, errno }: HelperFailure): string[] {
  const text = stderr.trim()
  if (text !== '') return text.split('\n')
  if (errno !== undefined) return []
  return [exitCode === undefined ? 'it was ended by a signal' : `it ended with status ${exitCode} and no message`]
}

function notRun({ errno }: HelperFailure): Finding | undefined {
  if (errno === undefined) return undefined
  if (errno === 'ENOENT') return { code: 'map-helper-missing', errno, why: 'the program is gone' }
  if (errno === 'ETIMEDOUT') {
    return {
      code: 'map-helper-failed',
      errno,
      why: 'it did not end in time; probably a name service (nsswitch.conf: subid) does not answer',
      fix: 'check it with: getsubids $USER',
    }
  }
  return { code: 'map-helper-failed', errno, why: 'the program could not be started' }
}

function refusedByHelper({ host, stderr, kind }: HelperFailure): Finding | undefined {
  const range = /range \[(\d+)-(\d+)\) -> \[(\d+)-(\d+)\) not allowed/.exec(stderr)
  if (range !== null) return rangeRefused(host, kind, { start: Number(range[3]), end: Number(range[4]) })
  if (/cannot determine your user name/i.test(stderr)) {
    return {
      code: 'map-no-passwd',
      why: `our user id ${host.uid} has no entry in the user database`,
      fix: `echo "user:x:${host.uid}:${host.gid}::/:/bin/sh" | sudo tee -a /etc/passwd; or map only your own id`,
    }
  }
  if (/owned by a different user/i.test(stderr)) {
    const [, ours, account] = / gid:(\d+) pw_gid:(\d+)/.exec(stderr) ?? []
    if (ours !== account)
      return {
        code: 'map-helper-failed',
        why: `our group is ${ours}, and the user database has ${account}: it takes no other (sg and newgrp give another one)`,
        fix: 'start usnea with that group',
      }
    return { code: 'map-helper-failed', why: 'the process to be mapped does not belong to us any more' }
  }
  if (/could not open proc directory|could not stat directory/i.test(stderr)) {
    return { code: 'map-helper-failed', why: 'the process to be mapped has ended, or /proc hides it (hidepid)' }
  }
  if (/open of [ug]id_map failed/i.test(stderr)) {
    return {
      code: 'map-helper-failed',
      why: 'probably the process to be mapped is not dumpable, so that its files in /proc belong to root; or /proc is mounted with hidepid',
      fix: 'mount /proc without hidepid, or map only your own id',
    }
  }
  if (/write to [ug]id_map failed: invalid argument/i.test(stderr)) {
    return {
      code: 'map-invalid',
      why: 'two lines of the map overlap, or a size is zero',
      fix: 'let no two lines share an id, inside or outside',
    }
  }
  return undefined
}

function rangeRefused(host: Host, kind: Kind, { start, end }: { start: number; end: number }): Finding {
  const range = { start, size: end - start }
  const file = kind === 'uid' ? '/etc/subuid' : '/etc/subgid'
  const why = `${file} does not give ${start}-${end - 1} to ${host.userName ?? `uid ${host.uid}`}`
  if (start >= 1000 && range.size > 0 && isFree(takenRanges(host), range)) {
    return { code: 'map-range', why, fix: grantCommand(host, range, [kind]) }
  }
  const free = freeRange(host, Math.max(range.size, 1))
  return { code: 'map-range', why, fix: `${grantCommand(host, free, [kind])}, and hostID ${free.start} in the map` }
}

/** It tried, and the kernel saw an ordinary user: reasons that can be seen from outside. Its message has the errno. */
function withoutEffect({ host, kind, helper, stderr, args }: HelperFailure): Finding | undefined {
  if (!/operation not permitted|could not (set|sete|prctl|set caps)/i.test(stderr)) return undefined
  const unknown = unknownIds(host, kind, rangesOf(args))
  if (unknown !== undefined) {
    return {
      code: 'map-range',
      why: unknown,
      fix: 'use ids of that namespace in the map and in /etc/subuid and /etc/subgid',
    }
  }
  if (host.noNewPrivs) return { code: 'map-helper-nnp' }
  if (helper.nosuid) return { code: 'map-helper-nosuid', why: `the file system of ${helper.path} is mounted nosuid` }
  const wanted = kind === 'uid' ? { name: 'CAP_SETUID', bit: CAP_SETUID } : { name: 'CAP_SETGID', bit: CAP_SETGID }
  if (!hasCapability(host.capBounding, wanted.bit)) {
    return {
      code: 'map-helper-bounding',
      why: `the capability bounding set of our process lacks ${wanted.name}`,
    }
  }
  if (hasForeignOwner(host, helper)) {
    return {
      code: 'map-helper-owner',
      why: `${helper.path} belongs to a user that is not mapped in the user namespace around us`,
    }
  }
  if (lostPrivilege(helper)) return { code: 'map-helper-bit', why: bitWords(helper), fix: bitFix(helper.path) }
  if (host.apparmorRestrictsUserns) return { code: 'userns-apparmor' }
  return {
    code: 'map-refused',
    why: 'none of the known causes is to be seen; probably a security module or a seccomp filter refuses it',
    fix: 'look for a denial with: sudo dmesg; or map only your own id',
  }
}

/** The arguments are the pid and then three numbers a line. */
function rangesOf([, ...numbers]: readonly string[]): IdRange[] {
  const ranges: IdRange[] = []
  for (let at = 0; at + 2 < numbers.length; at += 3) {
    ranges.push({ inner: Number(numbers[at]), outer: Number(numbers[at + 1]), size: Number(numbers[at + 2]) })
  }
  return ranges
}

const OVERFLOW_ID = 65534

function hasForeignOwner(host: Host, { owner }: HelperFile): boolean {
  return host.inUserNamespace && owner !== undefined && (owner === OVERFLOW_ID || !isMapped(host.uidMap, owner))
}

const SETUID_BIT = 0o4000

/** A file capability works as well as the setuid bit of root; the setuid bit of anyone else does nothing. */
function lostPrivilege({ mode, owner, hasCapability: capability }: HelperFile): boolean {
  if (mode === undefined || capability === true) return false
  return (mode & SETUID_BIT) === 0 || owner !== 0
}

function bitWords({ path, mode, owner, hasCapability: capability }: HelperFile): string {
  if (mode !== undefined && (mode & SETUID_BIT) !== 0) return `${path} is setuid to user ${owner} and not to root`
  const words = `${path} has neither the setuid bit nor a file capability (they get lost in image layers and with cp)`
  return capability === false ? words : `probably ${words}`
}

const bitFix = (path: string): string =>
  `sudo chown root ${path}; sudo chmod u+s ${path}; or reinstall the uidmap package`
