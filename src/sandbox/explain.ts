/** A policy in words, with who said what: for `--explain`. */
import type { LimitName } from '../container/hold/amounts.ts'
import { expected } from '../container/hold/watchdog.ts'
import { type Level, levelMeanings } from '../host/level.ts'
import { nearness } from './egress/near.ts'
import { ownNetworks } from './egress/own-network.ts'
import { parseRule } from './egress/rules.ts'
import { groupsInWords } from './groups.ts'
import type { Merged, Said } from './merge.ts'
import type { Policy } from './policy.ts'

export interface ExplainedRule {
  readonly rule: string
  readonly words: string
  /** `default` where nobody said anything. */
  readonly place: string
  /** What was said, where it is one of several values; of a variable only its name. */
  readonly value?: string
}

export interface Explanation {
  /** The level that commands have. */
  readonly level: Level
  readonly rules: readonly ExplainedRule[]
}

/** In the order in which a person would ask. */
export function explainPolicy(policy: Policy, { said }: Merged): ExplainedRule[] {
  const { options, standing, privates } = policy
  const isLandlocked = standing.level === 'L'
  const one = (rule: string, words: string) => ({ rule, words, place: placeOf(said, rule) })
  const kept = options.accept.has('protect') ? [] : [protectedWords(policy)]
  return [
    one(
      'min-level',
      `level ${standing.level}: ${levelMeanings[standing.level]}; at least ${options.minLevel} is wanted`,
    ),
    ...each(said, 'profile', (name) => `the rules of ${name}`),
    { rule: 'files', words: 'the whole system can be read, and nothing of it changed', place: 'default' },
    {
      rule: 'private',
      words:
        privates.flatMap(({ path, shows, isMaster }) => (shows === undefined && !isMaster ? path : [])).join(', ') +
        (isLandlocked ? ' are closed' : ' are empty, writable, and gone at the end'),
      place: 'default',
    },
    ...privates.flatMap(({ path, isMaster }) =>
      isMaster
        ? { rule: 'private', words: `the socket ${path} is closed: who may talk to it is root`, place: 'default' }
        : [],
    ),
    ...privates.flatMap(({ path, shows }) =>
      shows === undefined
        ? []
        : { rule: 'private', words: `so is ${path}, where files of ${shows} are mounted too`, place: 'default' },
    ),
    ...each(said, 'rw', (path) => `${path} can be read and changed`),
    ...kept,
    ...each(said, 'ro', (path) => `${path} can be read`),
    ...each(said, 'hide', (path) => (isLandlocked ? `${path} is closed` : `${path} looks empty`)),
    ...each(said, 'deny', (path) => `every access to ${path} fails`),
    ...each(said, 'socket', (path) => `the socket ${path} can be connected to`),
    ...each(said, 'device', (path) => `the device ${path} can be used`),
    one('net', networkWords(policy)),
    ...each(said, 'publish', (text) => `a port of the host leads to one of the command: ${text}`),
    ...each(said, 'allow-host', hostWords),
    ...(options.egress === undefined ? [] : [closedWords]),
    ...each(said, 'connect', (port) => `TCP port ${port} can be connected to`),
    ...each(said, 'listen', (port) => `TCP port ${port} can be listened at`),
    one('nested', options.nested ? 'user namespaces can be made inside' : 'no namespace can be made inside'),
    one('groups', groupWordsOf(policy)),
    ...each(said, 'env', (text) => `the environment has ${nameOf(text)}`),
    one('cwd', `it begins in ${policy.cwd}`),
    one(
      'timeout',
      options.timeout === undefined ? 'it may take as long as it likes' : `it is killed after ${options.timeout} ms`,
    ),
    ...each(said, 'grace', (time) => `at the end of its time it is asked with SIGTERM, and killed after ${time}`),
    ...each(
      said,
      'memory',
      (size) => `all its processes together may use ${size} of memory${heldWords(policy, 'memory')}`,
    ),
    ...each(said, 'pids', (count) => `${count} processes and threads may run at once${heldWords(policy, 'pids')}`),
    ...each(said, 'cpus', (count) => `so many processors' time may be used: ${count}${heldWords(policy, 'cpus')}`),
    ...each(said, 'files', (count) => `each process may have ${count} descriptors open`),
    ...each(said, 'disk', (size) => `each private directory holds ${size} at most`),
    ...each(said, 'require', (name) => `${name} must be had`),
    ...each(said, 'accept', (name) => `the loss ${name} will do`),
    ...policy.degradations.map(({ pointer, message }) => ({ rule: 'weaker', words: message, place: pointer })),
  ]
}

const placeOf = (said: readonly Said[], rule: string): string =>
  said.find((one) => one.rule === rule)?.place ?? 'default'

const each = (said: readonly Said[], rule: string, words: (value: string) => string): ExplainedRule[] =>
  said
    .filter((one) => one.rule === rule)
    .map(({ value, place }) => ({ rule, words: words(value), place, value: rule === 'env' ? nameOf(value) : value }))

// An explanation is shown to others, and a value may be a secret.
const nameOf = (text: string): string => text.replace(/=.*/s, '')

/** What names lead to near at hand is closed; an address that a rule names is not, which a reader may not know from its number. */
function hostWords(host: string): string {
  const parsed = parseRule(host)
  const why = 'rule' in parsed ? nearness(parsed.rule, ownNetworks()) : undefined
  return `${host} can be reached${why === undefined ? '' : `; take care: ${why}`}`
}

const closedWords: ExplainedRule = {
  rule: 'allow-host',
  words:
    'no name leads to this machine, its links, private and link-local ranges or the metadata of a cloud: that takes a rule with the address',
  place: 'default',
}

function networkWords({ options, standing }: Policy): string {
  if (options.egress !== undefined) return 'a network of its own, which leads to these hosts only'
  if (options.net === 'none')
    return standing.level === 'L' ? 'no socket can be made' : 'no network but a loopback of its own'
  if (options.helper) return `what the host reaches, through ${options.net}, but not its loopback`
  return options.ports === undefined
    ? 'the network of the host'
    : 'of the network of the host the TCP ports that follow'
}

/** Who sees to it. */
function heldWords({ way }: Policy, name: LimitName): string {
  const held = way && expected(way).find(({ limit }) => limit === name)
  return held ? ` (${held.enforcedBy})` : ''
}

function groupWordsOf({ groups: { kept, dropped, enforcedBy }, host }: Policy): string {
  const own = `the group of the caller stays, ${groupsInWords([host.gid])}`
  if (kept.length + dropped.length === 0) return `${own}; there is no other`
  const staying = kept.length === 0 ? 'all others are dropped' : `of the others ${groupsInWords(kept)}`
  if (enforcedBy === 'nothing') return `${own}, and so do all others: ${groupsInWords(kept)}`
  return `${own}; ${staying} (${enforcedBy}${kept.length > 0 ? ` drops ${groupsInWords(dropped)}` : ''})`
}

function protectedWords({ exposures, unprotected }: Policy): ExplainedRule {
  const writable = exposures.filter((exposure) => exposure.writable).map(({ dest }) => dest)
  const words =
    writable.length === 0
      ? 'nothing of the host can be changed'
      : `what runs later outside (git hooks, start files, editor tasks, CI files, the policy) stays as it is in ${writable.join(', ')}` +
        (unprotected.length === 0 ? '' : '; what of that does not exist yet can be made, and is told at the end')
  return { rule: 'protect', words, place: 'default' }
}
