/** What `--allow-host` may say: a name, names below one, or addresses, each with ports. Pure. */
import { domainToASCII } from 'node:url'
import { type Address, type AddressRange, contains, covers, parseRange, type Range } from './addresses.ts'

export interface Rule {
  /** As it was written. */
  readonly text: string
  /** A name in lower case (`below`: every name that ends in it), or addresses. */
  readonly host: { readonly name: string; readonly below: boolean } | { readonly addresses: AddressRange }
  /** Empty: every port. */
  readonly ports: readonly Range[]
}

export type Parsed = { readonly rule: Rule } | { readonly problem: string }

/** `HOST[:PORTS]`: HOST is a name, `*.NAME`, `*`, an address or range, of IPv6 in brackets; PORTS are like `443`, `80,443`, `8000-8100`. */
export function parseRule(text: string): Parsed {
  const bracketed = /^\[([\da-fA-F:./]+)\](?::(.*))?$/.exec(text)
  if (bracketed) return ipv6Rule(text, bracketed[1] ?? '', bracketed[2])
  if (/^\[|^[^:]*:[^:]*:/.test(text)) return { problem: 'an address of IPv6 stands in brackets, as in [2600:1::1]:443' }
  const colon = text.indexOf(':')
  const host = colon < 0 ? text : text.slice(0, colon)
  const ports = colon < 0 ? [] : parsePorts(text.slice(colon + 1))
  if (ports === undefined) return { problem: 'the ports are not like 443, 80,443 or 8000-8100' }
  if (/^[\d./]+$/.test(host)) return addressRule(text, host, ports)
  if (host.includes('/')) return { problem: 'a host is meant, not a URL' }
  const below = host === '*' || host.startsWith('*.')
  const name = host === '*' ? '' : normalName(below ? host.slice(2) : host)
  if (name === undefined) return { problem: 'this is no name of a host (a * may only be its first label)' }
  if (name === 'localhost' || name.endsWith('.localhost'))
    return { problem: 'localhost is the sandbox itself, which has a loopback of its own' }
  return { rule: { text, host: { name, below }, ports } }
}

function ipv6Rule(text: string, host: string, portsText: string | undefined): Parsed {
  const ports = portsText === undefined ? [] : parsePorts(portsText)
  if (ports === undefined) return { problem: 'the ports are not like 443, 80,443 or 8000-8100' }
  const addresses = parseRange(host)
  if (typeof addresses?.first !== 'bigint')
    return { problem: 'this is no IPv6 address or range (such as 2600:1::/32, with zeros behind the length)' }
  if (covers(addresses, 1n) && addresses.first === addresses.last)
    return { problem: '::1 is the sandbox itself, which has a loopback of its own' }
  return { rule: { text, host: { addresses }, ports } }
}

function addressRule(text: string, host: string, ports: readonly Range[]): Parsed {
  const addresses = parseRange(host)
  if (typeof addresses?.first !== 'number' || typeof addresses.last !== 'number')
    return { problem: 'this is no IPv4 address or range (such as 10.0.0.0/8, with zeros behind the length)' }
  if (addresses.last >= 0x7f000000 && addresses.first <= 0x7fffffff && addresses.last - addresses.first < 2 ** 24)
    return { problem: '127.0.0.0/8 is the sandbox itself, which has a loopback of its own' }
  return { rule: { text, host: { addresses }, ports } }
}

function parsePorts(text: string): Range[] | undefined {
  if (text === '*') return []
  const ranges = text.split(',').map((part) => {
    const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part) ?? []
    return { first: Number(first), last: Number(last) }
  })
  return ranges.every(({ first, last }) => first >= 1 && first <= last && last <= 65535) ? ranges : undefined
}

/** Lower case, without a final dot, in its ASCII form; undefined where it is no name. */
export function normalName(text: string): string | undefined {
  const name = (/^[\x21-\x7e]*$/.test(text) ? text : domainToASCII(text)).toLowerCase().replace(/\.$/, '')
  const labels = name.split('.')
  if (name.length > 253 || !labels.every((label) => /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label)))
    return undefined
  // a last label of digits would be taken for an address by the resolvers of programs
  return /^\d+$|^0x/.test(labels.at(-1) ?? '') ? undefined : name
}

export const opensPort = ({ ports }: Rule, port: number): boolean =>
  ports.length === 0 || ports.some((range) => contains(range, port))

export function namesHost({ host }: Rule, name: string): boolean {
  if ('addresses' in host) return false
  if (!host.below) return name === host.name
  return host.name === '' || name.endsWith(`.${host.name}`)
}

/** The first rule for a name, on that port where one is given. */
export const ruleForName = (rules: readonly Rule[], name: string, port?: number): Rule | undefined =>
  rules.find((rule) => namesHost(rule, name) && (port === undefined || opensPort(rule, port)))

export const ruleForAddress = (rules: readonly Rule[], address: Address, port?: number): Rule | undefined =>
  rules.find(
    (rule) =>
      'addresses' in rule.host && covers(rule.host.addresses, address) && (port === undefined || opensPort(rule, port)),
  )
