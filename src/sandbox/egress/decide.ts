/** May it go there? By name, address and the server name of TLS together. */
import { type Address, isClosed } from './addresses.ts'
import type { Names } from './names.ts'
import { isOwn } from './own-network.ts'
import { type Rule, ruleForAddress, ruleForName } from './rules.ts'

/** Why something is refused: stable words, part of the log's format. */
export type Reason =
  | 'name-not-allowed'
  | 'address-not-known'
  | 'address-closed'
  | 'port-not-allowed'
  | 'server-name-differs'
  | 'hello-broken'
  | 'too-many'
  | 'no-answer'
  | 'only-named-ports'
  | 'other-name-server'

export type Verdict =
  | {
      readonly allowed: true
      readonly rule: Rule
      /** The names that the address may stand for; undefined where the address itself is named by a rule. */
      readonly names: readonly string[] | undefined
    }
  | { readonly allowed: false; readonly reason: Reason; readonly names: readonly string[] }

/** Not for a name: only a rule that names the address opens it. */
const isShut = (address: Address): boolean => isClosed(address) || isOwn(address)

const refuse = (reason: Reason, names: readonly string[] = []): Verdict => ({ allowed: false, reason, names })

/** A connection to an address: it must have been told as the answer for an allowed name, or be named itself. */
export function decideAddress(rules: readonly Rule[], names: Names, address: Address, port: number): Verdict {
  const named = ruleForAddress(rules, address, port)
  if (named) return { allowed: true, rule: named, names: undefined }
  const known = names.of(address)
  const isNamed = ruleForAddress(rules, address) !== undefined
  // a name opens no port of a closed address
  if (isShut(address)) return refuse(isNamed ? 'port-not-allowed' : 'address-closed', known)
  if (known.length === 0) return refuse(isNamed ? 'port-not-allowed' : 'address-not-known')
  const open = known.filter((name) => ruleForName(rules, name, port))
  const rule = open[0] === undefined ? undefined : ruleForName(rules, open[0], port)
  return rule ? { allowed: true, rule, names: open } : refuse('port-not-allowed', known)
}

/** A name that something asks a proxy for, before anything is resolved. */
export function decideName(rules: readonly Rule[], name: string, port: number): Verdict {
  const rule = ruleForName(rules, name, port)
  if (rule) return { allowed: true, rule, names: [name] }
  return refuse(ruleForName(rules, name) ? 'port-not-allowed' : 'name-not-allowed', [name])
}

/**
 * Of the addresses that a name was found to have, those that a connection may then be made to: an answer that leads into
 * a closed range is how DNS rebinding works.
 */
export function openAddresses(rules: readonly Rule[], addresses: readonly Address[]): Address[] {
  return addresses.filter((address) => !isShut(address) || ruleForAddress(rules, address) !== undefined)
}

/** Without a server name the address decides alone, as it does for what is not TLS. */
export function admitsServerName(names: readonly string[] | undefined, serverName: string | undefined): boolean {
  return names === undefined || serverName === undefined || names.includes(serverName)
}

/** The ports that rules name one by one, for where not all of them can be carried; 80 and 443 for a rule without ports. */
export function namedPorts(rules: readonly Rule[], most: number): number[] {
  const ports = new Set<number>()
  for (const { ports: ranges } of rules)
    for (const { first, last } of ranges.length === 0
      ? [
          { first: 80, last: 80 },
          { first: 443, last: 443 },
        ]
      : ranges)
      for (let port = first; port <= last && ports.size < most; port++) ports.add(port)
  return [...ports].sort((a, b) => a - b)
}
