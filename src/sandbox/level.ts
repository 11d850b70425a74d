/** Which level a sandbox has on this machine, whether that is enough, and what level L cannot give. */
import { RuntimeError } from '../base/errors.ts'
import type { Degradation } from '../base/issue.ts'
import { landlockVersion, whyNoNamespaces } from '../container/probe.ts'
import type { Host } from '../host/facts.ts'
import { type Level, promisedSandboxLevel, reaches } from '../host/level.ts'
import { handles, type LandlockPart, sinceLinux } from '../linux/landlock/plan.ts'
import { type Acceptable, acceptable, type Demanded } from './level-words.ts'
import type { CheckedOptions } from './options.ts'

export interface Standing {
  readonly level: Level
  /** Version of Landlock; 0 where there is none, or it is not needed. */
  readonly landlock: number
}

/** @throws RuntimeError `level-unmet` */
export function chooseLevel(options: CheckedOptions, host: Host): Standing {
  const standing = options.minLevel === 'L' ? weakest(host, options) : standingAt(promisedSandboxLevel(host), options)
  const { level } = standing
  const unmet = options.require.flatMap((name) => demands[name](options, standing) ?? [])
  const tooLow = reaches(level, options.minLevel)
    ? []
    : [`the level of a sandbox here is ${level}, and ${options.minLevel} was asked for`]
  if (level === 'X' || tooLow.length + unmet.length > 0)
    throw new RuntimeError('level-unmet', {
      details: [...tooLow, ...unmet],
      origin: tooLow.length > 0 ? 'min-level' : 'require',
      fix: level === 'X' ? ACCEPT_L : 'usnea doctor shows what is missing and how to get it',
    })
  return standing
}

export const ACCEPT_L = 'or accept level L, which does without: --min-level L (minLevel: "L")'

const standingAt = (level: Level, { ports }: CheckedOptions): Standing => ({
  level,
  landlock: ports === undefined ? 0 : landlockVersion(),
})

/** Namespaces where they can be had, else Landlock. */
function weakest(host: Host, options: CheckedOptions): Standing {
  const promised = promisedSandboxLevel(host)
  const refusal = promised === 'X' ? undefined : whyNoNamespaces(host)
  if (promised !== 'X' && refusal === undefined) return standingAt(promised, options)
  const landlock = landlockVersion()
  if (landlock > 0 && host.arch !== 'other') return { level: 'L', landlock }
  throw new RuntimeError('level-unmet', {
    details: [
      ...(refusal === undefined ? [] : [refusal.message]),
      'and level L needs Landlock: this kernel has none (5.13), it is not switched on (lsm=), or a filter around us hides it',
    ],
    origin: 'min-level',
  })
}

type Demand = (options: CheckedOptions, standing: Standing) => string | undefined

const needsNamespaces =
  (what: string): Demand =>
  (_, { level }) =>
    level === 'L' ? `${what}: level L has no namespaces` : undefined

/** What `require` can name, and why it is not had. */
export const demands: Readonly<Record<Demanded, Demand>> = {
  userns: needsNamespaces('userns'),
  pidns: needsNamespaces('pidns'),
  mountns: needsNamespaces('mountns'),
  ipcns: needsNamespaces('ipcns'),
  utsns: needsNamespaces('utsns'),
  netns: (options, standing) =>
    options.net === 'host' ? "netns: the network is the host's (net)" : needsNamespaces('netns')(options, standing),
  proc: (_, { level }) =>
    level === 'U0' || level === 'L' ? `proc: at level ${level} the outer /proc is shown` : undefined,
  seccomp: () => undefined,
  subids: () => 'subids: a sandbox maps one user and one group id',
  cgroups: () => undefined, // container/hold says whether one can be had
}

/** What holds at level L although it differs from the other levels; whoever takes the level takes these. */
const always: readonly Degradation[] = [
  {
    pointer: 'level',
    message: 'the private places (/tmp, /var/tmp, /run, the home) are closed, not empty and writable',
  },
  { pointer: 'level', message: 'names, sizes and dates of files outside can be seen, not their contents' },
  { pointer: 'level', message: 'other processes can be seen in /proc, and neither be traced nor signalled' },
  {
    pointer: 'level',
    message: 'there is no socket but pairs, no System V IPC, and no session or process group of its own making',
  },
]

/** Parts that a kernel may be too old for, and the name under which the loss is accepted. */
const parts: readonly (readonly [LandlockPart, Acceptable])[] = [
  ['scopes', 'signals'],
  ['devices', 'devices'],
  ['truncate', 'truncate'],
]

/**
 * What level L cannot hold here, and was not accepted, is refused.
 * @throws RuntimeError `policy-unenforceable`
 */
export function checkLosses(options: CheckedOptions, { level, landlock }: Standing): Degradation[] {
  if (options.ports !== undefined && !handles(landlock, 'ports'))
    throw unenforceable('connect', `TCP ports: they are held by Landlock of Linux ${sinceLinux.ports}`)
  const { accept } = options
  const accepted = [...accept].map((name) => ({ pointer: 'accept', message: acceptable[name] }))
  if (accept.has('32-bit') && (level === 'L' || options.ports !== undefined))
    throw unenforceable('accept', `32-bit: ${acceptable['32-bit']}, and here they must not be`)
  if (level !== 'L') return accepted
  if (options.egress !== undefined)
    throw unenforceable('allow-host', 'allow-host: it needs a network namespace, and level L has none')
  if (options.helper !== undefined)
    throw unenforceable('net', `${options.net}: it needs a network namespace, and level L has none`)
  if (options.limits.disk !== undefined) throw unenforceable('disk', 'disk: level L has no private directories')
  if (options.nested) throw unenforceable('nested', 'nested: level L lets nobody make a user namespace')
  for (const [part, name] of parts)
    if (!handles(landlock, part) && !accept.has(name))
      throw unenforceable('min-level', `${name}: ${acceptable[name]}; that takes Linux ${sinceLinux[part]}`)
  return [...always, ...accepted]
}

export function unenforceable(origin: string, detail: string): RuntimeError {
  return new RuntimeError('policy-unenforceable', { details: [detail], origin })
}
