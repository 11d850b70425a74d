import { planSum } from '../../kernel/plan-def.ts'
import { fileRules } from '../landlocked.ts'
import type { Policy } from '../policy.ts'
import { observerFilter } from './confined.ts'
import { watchedCalls } from './watched.ts'

/** Bits and numbers of native/observe/observe.h. */
const flags = { learns: 1, hasLandlock: 2, ownProc: 4, ownNetwork: 8, fixedRoot: 16 }
const nets = { any: 0, none: 1, ports: 2, filtered: 3, filteredIpv4: 4 }
const PORT_BIND = 0x1_0000

interface Rule {
  readonly kind: 'r' | 'w' | 'h'
  readonly path: string
}

export interface WishOptions {
  /** The filter of the sandbox as it is without an observer: struct sock_filter in hexadecimal digits. */
  readonly program: string
  readonly architectures: readonly string[]
  /** Everything that is used is told, not only what is denied. */
  readonly learns: boolean
}

export function observerWish(policy: Policy, { program, architectures, learns }: WishOptions): Buffer {
  const calls = watchedCalls(architectures, policy.host.arch)
  const own = observerFilter(policy.host.arch)
  const ports = portsOf(policy)
  const rules = rulesOf(policy)
  const head = [
    ...[planSum, flagsOf(policy, learns), nets[netOf(policy)], program.length / 16, calls.length / 16],
    ...[ports.length, rules.length, own.length / 16],
  ]
  const filters = Buffer.from(program + own, 'hex')
  return Buffer.concat([words(head), filters, calls, words(ports), ...rules.map(ruleBytes)])
}

function flagsOf({ standing, freshProc, options }: Policy, learns: boolean): number {
  const isLandlocked = standing.level === 'L'
  return (
    (learns ? flags.learns : 0) |
    (isLandlocked ? flags.hasLandlock : 0) |
    (!isLandlocked && freshProc ? flags.ownProc : 0) |
    (options.net === 'host' ? 0 : flags.ownNetwork) |
    (options.nested ? 0 : flags.fixedRoot)
  )
}

function netOf({ options }: Policy): keyof typeof nets {
  // IPv6 is carried by rules of netfilter only.
  if (options.egress) return options.egress.netfilter ? 'filtered' : 'filteredIpv4'
  if (options.net === 'none') return 'none'
  return options.ports === undefined ? 'any' : 'ports'
}

const portsOf = ({ options }: Policy): number[] =>
  (options.ports ?? []).map(({ port, use }) => (use === 'bind' ? port | PORT_BIND : port))

function rulesOf(policy: Policy): Rule[] {
  const hidden = policy.hide.map((path): Rule => ({ kind: 'h', path }))
  if (policy.standing.level !== 'L') return hidden
  return fileRules(policy).map(({ path, grant }): Rule => ({ kind: grant === 'read' ? 'r' : 'w', path }))
}

function words(numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * numbers.length)
  numbers.forEach((number, place) => {
    bytes.writeUInt32LE(number >>> 0, 4 * place)
  })
  return bytes
}

function ruleBytes({ kind, path }: Rule): Buffer {
  const text = Buffer.from(path)
  return Buffer.concat([words([kind.charCodeAt(0), text.length]), text, Buffer.alloc(1)])
}
