/** What was denied, and by which rule of the policy. Pure. */
import { errnoName } from '../../kernel/errno.ts'
import { type Abi, abis, syscallName } from '../../linux/seccomp/abi.ts'
import type { NetworkEvent } from '../egress/report.ts'
import { isWithin, type Policy } from '../policy.ts'
import { accesses, HIDDEN, type ObserverRecord } from './record.ts'
import type { Denial } from './shape.ts'

const words: readonly (readonly [bit: number, action: string])[] = [
  [accesses.execute, 'execute'],
  [accesses.takeAway, 'remove'],
  [accesses.write, 'write'],
  [accesses.make, 'create'],
  [accesses.change, 'change'],
  [accesses.connect, 'connect'],
  [accesses.bind, 'bind'],
  [accesses.send, 'send'],
  [accesses.signal, 'signal'],
  [accesses.search, 'enter'],
  [accesses.read, 'read'],
]

export const actionOf = (access: number): string => words.find(([bit]) => (access & bit) !== 0)?.[1] ?? 'look'

/** Calls whose first argument is a family, which says what they are about. */
const telling = ['socket', 'socketpair']

/** What was let through while a policy is learnt has the same shape: then without `errno`, and `rule` is empty. */
export function denialOf(record: ObserverRecord, policy: Policy): Denial {
  const { errno, pid, command, count, time } = record
  const { rule, ...what } = whatOf(record, policy)
  return {
    time: new Date(time).toISOString(),
    verdict: errno === 0 && record.kind !== 'lost' ? 'allowed' : 'refused',
    ...what,
    ...(errno === 0 || errno === HIDDEN ? {} : { errno: errnoName(errno) }),
    rule: errno === 0 && record.kind !== 'lost' ? '' : rule,
    ...(pid === 0 ? {} : { pid, command }),
    ...(count > 1 || record.kind === 'lost' ? { count } : {}),
  }
}

type What = Omit<Denial, 'time' | 'verdict' | 'errno' | 'pid' | 'command' | 'count'>

function whatOf(record: ObserverRecord, policy: Policy): What {
  const { access } = record
  const action = actionOf(access)
  const call = callName(record, policy)
  switch (record.kind) {
    case 'network':
      return { kind: 'network', action, ...addressOf(record.bytes), call, rule: networkRule(policy, access) }
    case 'call': {
      const argument = telling.includes(call) ? { argument: Number(record.args[0]) } : {}
      return { kind: 'call', action: 'call', call, ...argument, rule: callRule(call, policy) }
    }
    case 'process':
      return { kind: 'process', action, ...pathOf(record.bytes), call, rule: 'processes' }
    case 'lost':
      return { kind: 'lost', action: lostKind(access), rule: 'log' }
    default: {
      const path = pathOf(record.bytes)
      return { kind: 'file', action, ...path, call, rule: fileRule(path.path, record, policy) }
    }
  }
}

const lostKind = (kind: number): string => (['file', 'network', 'call', 'process'] as const)[kind - 1] ?? 'call'

function callName({ number, arch }: ObserverRecord, { host }: Policy): string {
  const abi = (Object.keys(abis) as Abi[]).find((name) => {
    const { audit, base } = abis[name]
    return audit === arch && (base === 0 ? number < abis.x32.base || host.arch !== 'x64' : number >= base)
  })
  const name = abi && syscallName(number - abis[abi].base, abi)
  return name ?? String(number)
}

/** A number and a text, as native/observe writes it. */
function addressOf(bytes: Buffer): { address: string; port: number } {
  const [, port = '0', address = ''] = /^(\d{1,5}) ([\da-f:.]+)$/.exec(bytes.toString('latin1')) ?? []
  return { address, port: Number(port) }
}

/** In an own place: what a network without a way out denies, ports, and IPv6 where hosts are allowed by name. */
function networkRule({ options }: Policy, access: number): string {
  if (options.egress) return 'allow-host'
  if (options.ports === undefined) return `net ${options.net}`
  return access & accesses.bind ? 'listen' : 'connect'
}

export function pathOf(bytes: Buffer): { path: string; pathBase64?: string } {
  const path = bytes.toString('utf8')
  return Buffer.from(path).equals(bytes) ? { path } : { path, pathBase64: bytes.toString('base64') }
}

function fileRule(path: string, { errno, access }: ObserverRecord, policy: Policy): string {
  const { options, hide, deny, privates, protections, exposures } = policy
  const name = errno === HIDDEN ? '' : errnoName(errno)
  const within = (paths: readonly string[]) => paths.find((place) => isWithin(path, place))
  const denied = within(deny)
  if (denied !== undefined) return `deny ${denied}`
  const hidden = within(hide)
  if (hidden !== undefined) return `hide ${hidden}`
  const held = protections.find((one) =>
    one.writable ? one.path === path && name === 'EBUSY' : isWithin(path, one.path),
  )
  if (held !== undefined && name !== 'ENOENT') return `protect ${held.path}`
  const shown = exposures.findLast(({ dest }) => isWithin(path, dest))
  if (shown !== undefined && !shown.writable && name === 'EROFS')
    return shown.origin === 'system' ? 'read-only' : shown.origin
  const place = within(privates.map((one) => one.path))
  const isClosed = name === 'ENOENT' || name === 'ENOTDIR' || (policy.standing.level === 'L' && name === 'EACCES')
  if (place !== undefined && shown === undefined && isClosed) return `private ${place}`
  if (isWithin(path, '/dev') && isClosed) return 'devices'
  if (path.startsWith('@')) return `net ${options.net}`
  if (name === 'EROFS') return 'read-only'
  if (
    policy.standing.level === 'L' &&
    name === 'EACCES' &&
    (access & (accesses.write | accesses.make | accesses.takeAway)) !== 0
  )
    return 'read-only'
  return isClosed ? 'hidden' : name === 'EBUSY' ? 'mount' : 'permissions'
}

const namespaceCalls =
  'clone unshare setns mount umount umount2 pivot_root chroot open_tree move_mount fsopen fsconfig fsmount fspick mount_setattr open_tree_attr'
const metadataCalls = /^(f?chmod|fchmodat|l?chown|fchown|[lf]?setxattr|[lf]?removexattr|utime|futimesat|file_setattr)/

/** Which word of the policy would open it; `calls`: none does. */
function callRule(call: string, { options, standing }: Policy): string {
  if (namespaceCalls.split(' ').includes(call)) return 'nested'
  if (/^(socket|socketpair)$/.test(call))
    return standing.level === 'L' || options.ports ? `net ${options.net}` : 'calls'
  return standing.level === 'L' && metadataCalls.test(call) ? 'accept metadata' : 'calls'
}

/** What the filter for hosts decided, in the same shape; `rule` is the one that let it through. */
export function denialOfNetwork({ verdict, kind, time, rule = 'allow-host', ...rest }: NetworkEvent): Denial {
  if (kind === 'lost') return { time, verdict, kind, action: 'network', rule: 'log', ...rest }
  return { time, verdict, kind: 'network', action: kind, rule, ...rest }
}

const steering = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** Escaped as JSON has it, two for what takes two. */
export const withoutSteering = (text: string): string =>
  text.replace(steering, (one) =>
    one
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  )

/** One line of a log. No character in it steers a terminal, and none can look like another line. */
export const denialLine = (denial: Denial): string => `${withoutSteering(JSON.stringify(denial))}\n`
