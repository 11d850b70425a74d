/**
 * Level L: a policy as a plan without a single namespace. Landlock knows no order and no exception: it adds up what is
 * open, so a place is closed by opening everything around it.
 */
import { lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { CAP_SETPCAP } from '../kernel/constants.ts'
import type { Op } from '../kernel/plan.ts'
import { type FileRule, planRuleset } from '../linux/landlock/plan.ts'
import type { CommandOptions } from './command-options.ts'
import { deviceNames } from './dev-and-proc.ts'
import { sandboxEnvironment } from './environment.ts'
import { planCalls } from './filter.ts'
import { planGroups } from './groups.ts'
import { unenforceable } from './level.ts'
import { planFiles } from './limits.ts'
import { isWithin, type Policy } from './policy.ts'
import { policyFiles } from './policy-files.ts'
import { keptIn, protectionsOf } from './protect.ts'

/** @throws RuntimeError `policy-unenforceable` */
export function fileRules(policy: Policy): FileRule[] {
  const { exposures, privates, options } = policy
  const hide = [...policy.hide, ...policy.deny]
  for (const { source, dest, origin } of exposures)
    if (source !== dest) throw unenforceable(origin, `${source} cannot appear at ${dest}: level L moves nothing`)
  const socket = exposures.find(({ origin }) => origin.startsWith('socket '))
  if (socket && !options.accept.has('unix-sockets'))
    throw unenforceable('socket', `unix-sockets: ${socket.source} can be opened only with all the others`)
  const writable = exposures.filter((exposure) => exposure.writable)
  for (const path of hide) {
    const around = writable.find(({ source }) => isWithin(path, source))
    if (around) throw unenforceable('hide', `${path} lies in ${around.source}, which is writable`)
  }
  for (const { source, origin, writable: isWritable } of exposures) {
    const around = isWritable ? undefined : writable.find((other) => isWithin(source, other.source))
    if (around) throw unenforceable(origin, `${source} cannot be read-only in ${around.source}, which is writable`)
  }
  const [dangerous] = options.accept.has('protect')
    ? []
    : [...protectionsOf(writable), ...keptIn(policyFiles(policy.host, exposures), writable)]
  if (dangerous)
    throw unenforceable(
      'protect',
      `protect: ${dangerous.path} and its kind cannot be read-only in a writable directory`,
    )
  const [kept] = keptIn(options.kept, writable)
  if (kept)
    throw unenforceable('protect', `${kept.path} lies in a writable directory, and cannot be kept from the command`)
  const closed = [...privates.map(({ path }) => path), '/dev', ...hide]
  return [
    ...visible('/', { closed, origin: 'sandbox', required: false }),
    ...deviceNames.map(
      (name): FileRule => ({ path: `/dev/${name}`, grant: 'device', required: false, origin: 'sandbox' }),
    ),
    ...exposures.flatMap(({ source, writable: isWritable, origin }): FileRule[] =>
      isWritable
        ? [{ path: source, grant: isWithin(source, '/dev') ? 'device' : 'write', required: true, origin }]
        : visible(source, { closed: hide, origin, required: true }),
    ),
  ]
}

interface Around {
  readonly closed: readonly string[]
  readonly origin: string
  readonly required: boolean
}

/** All of a tree but what is closed. Around that each entry is opened by itself: what comes later is not. */
function visible(path: string, around: Around): FileRule[] {
  const { closed, origin, required } = around
  if (closed.includes(path)) return []
  if (!closed.some((place) => isWithin(place, path))) return [{ path, grant: 'read', required, origin }]
  return entriesOf(path).flatMap((entry) => visible(entry, { ...around, required: false }))
}

/** Links are left out: what one leads to has a rule of its own, or none. */
function entriesOf(directory: string): string[] {
  try {
    return readdirSync(directory)
      .map((name) => join(directory, name))
      .filter(isNoLink)
  } catch {
    // Closed to us, and so to the command. At level L itself the root can be passed and not be listed.
    return directory === '/' ? usual.map((name) => `/${name}`).filter(isNoLink) : []
  }
}

const isNoLink = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === false

/** Of the file system hierarchy standard, and what distributions add. */
const usual =
  'bin boot dev etc home lib lib32 lib64 libx32 media mnt nix opt proc root sbin snap srv sys usr var'.split(' ')

/** Everything that is the same for each command. */
export function compileWalls(policy: Policy): { before: Op[]; after: Op[] } {
  const { options, standing } = policy
  const { net, ports } = options
  const tcp = net === 'host' ? ports : []
  return {
    before: [
      ...planGroups(policy.groups),
      { op: 'born', flags: 0, origin: 'sandbox' },
      { op: 'session', origin: 'sandbox' },
      { op: 'keyring', label: '', origin: 'sandbox' },
    ],
    after: [
      ...planRuleset({ abi: standing.landlock, files: fileRules(policy), ports: tcp, scoped: true, origin: 'sandbox' }),
    ],
  }
}

/** As `compileCommand`, but nothing of it may need a privilege. */
export function compileLandlocked(policy: Policy, command: CommandOptions, walls = compileWalls(policy)): Op[] {
  const origin = 'sandbox'
  const { host } = policy
  const { env, search } = sandboxEnvironment(host, { ...policy.options.env, ...command.env })
  const { argv } = command
  const file = argv[0] ?? ''
  return [
    { op: 'reapTree', lingers: 0, origin },
    { op: 'umask', mask: command.umask, origin },
    ...planFiles(policy.options.limits, host),
    // Without it no_new_privs keeps a new program from getting back what `caps` takes.
    ...((host.capEffective & CAP_SETPCAP) === 0n ? [] : [{ op: 'bounding', mask: 0, origin } as const]),
    { op: 'cwd', path: command.cwd, lenient: 0, origin: 'cwd' },
    { op: 'caps', effective: 0, permitted: 0, inheritable: 0, ambient: 0, origin },
    { op: 'noNewPrivs', origin },
    { op: 'lookup', file, search, origin: 'command' },
    ...walls.after,
    ...planCalls(policy, { isWatched: command.isWatched ?? false, keepFds: 0 }),
    { op: 'exec', file, search, argv, env, keepFds: 0, origin: 'command' },
  ]
}
