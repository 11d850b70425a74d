/** Addresses, ranges of them, and those that no name may lead to. Pure. IPv4 is a number, IPv6 a bigint, so they never meet. */
import { isIPv6 } from 'node:net'

export type Address = number | bigint

/** `first` to `last`, both included. */
export interface Range {
  readonly first: number
  readonly last: number
}

/** The same of one family. */
export interface AddressRange {
  readonly first: Address
  readonly last: Address
}

/**
 * Of IPv4 only dotted decimal: `010.0.0.1` and `1.1` mean different things to different programs, so they are no addresses.
 * What IPv6 writes for an address of IPv4 (`::ffff:1.2.3.4`) is that. Zones are none of ours.
 */
export function parseAddress(text: string): Address | undefined {
  if (text.includes(':')) return parseIpv6(text)
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1)
  if (!parts || parts.some((part) => Number(part) > 255 || (part.length > 1 && part.startsWith('0')))) return undefined
  return parts.reduce((number, part) => number * 256 + Number(part), 0)
}

const MAPPED = 0xffffn

function parseIpv6(text: string): Address | undefined {
  if (!isIPv6(text) || text.includes('%')) return undefined
  const [, head = '', tail = ''] = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text) ?? [undefined, text]
  const last = tail === '' ? undefined : parseAddress(tail)
  if (tail !== '' && typeof last !== 'number') return undefined
  const words = typeof last === 'number' ? `${head}${(last >>> 16).toString(16)}:${(last & 0xffff).toString(16)}` : head
  const [before = '', after] = words.split('::')
  const groups = (part: string) => (part === '' ? [] : part.split(':'))
  const [front, back] = [groups(before), groups(after ?? '')]
  const all = after === undefined ? front : [...front, ...Array(8 - front.length - back.length).fill('0'), ...back]
  const value = all.reduce((number, group) => (number << 16n) | BigInt(`0x${group}`), 0n)
  return value >> 32n === MAPPED ? Number(value & 0xffffffffn) : value
}

/** IPv6 as RFC 5952 has it. */
export function formatAddress(address: Address): string {
  if (typeof address === 'number') return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.')
  const groups = Array.from({ length: 8 }, (_, at) => ((address >> BigInt(112 - at * 16)) & 0xffffn).toString(16))
  const runs = groups.map((_, at) => groups.slice(at).findIndex((group) => group !== '0'))
  const lengths = runs.map((run, at) => (run < 0 ? 8 - at : run))
  const longest = Math.max(...lengths)
  if (longest < 2) return groups.join(':')
  const at = lengths.indexOf(longest)
  return `${groups.slice(0, at).join(':')}::${groups.slice(at + longest).join(':')}`
}

/** `ADDRESS` or `ADDRESS/LENGTH`; bits behind the length must be 0, as a slip of the pen there opens too much. */
export function parseRange(text: string): AddressRange | undefined {
  const [head = '', length, ...more] = text.split('/')
  const first = parseAddress(head)
  if (first === undefined || more.length > 0) return undefined
  if (length === undefined) return { first, last: first }
  const bits = typeof first === 'number' ? 32 : 128
  if (!/^\d{1,3}$/.test(length) || Number(length) > bits || (head.includes(':') && bits === 32)) return undefined
  const size = 1n << BigInt(bits - Number(length))
  if (BigInt(first) % size !== 0n) return undefined
  const last = BigInt(first) + size - 1n
  return { first, last: typeof first === 'number' ? Number(last) : last }
}

export const contains = ({ first, last }: Range, number: number): boolean => first <= number && number <= last

export const covers = ({ first, last }: AddressRange, address: Address): boolean =>
  typeof first === typeof address && first <= address && address <= last

const ranges = (...texts: string[]): readonly AddressRange[] => texts.map((text) => parseRange(text) as AddressRange)

/** What is not the public internet, by IANA's registries of special addresses (RFC 6890), and the metadata of clouds. */
const closed: readonly AddressRange[] = ranges(
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10', // shared by providers; 100.100.100.200 is a cloud's metadata
  '127.0.0.0/8',
  '168.63.129.16', // public by its number, and yet the inside of a cloud
  '169.254.0.0/16', // link-local; 169.254.169.254 is the metadata of most clouds
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '2001::/23', // of protocols, Teredo among them, which holds addresses of IPv4
  '2001:db8::/32',
  '2002::/16', // 6to4, as Teredo
  '3fff::/20',
)

/** All that is given out of IPv6 so far; the rest is local, reserved, or stands for something else. */
const given: readonly AddressRange[] = ranges('2000::/3')
/** Where a network has IPv6 alone, its name servers give hosts of IPv4 such addresses (RFC 6052). */
const translated: readonly AddressRange[] = ranges('64:ff9b::/96')

const isIn = (list: readonly AddressRange[], address: Address): boolean => list.some((range) => covers(range, address))

/** Is it reached only where a rule names the address itself? */
export function isClosed(address: Address): boolean {
  if (typeof address === 'bigint' && isIn(translated, address)) return isClosed(Number(address & 0xffffffffn))
  return isIn(closed, address) || (typeof address === 'bigint' && !isIn(given, address))
}

/** Is any of them reached only where a rule names the address itself? */
export function holdsClosed(range: AddressRange): boolean {
  if (isClosed(range.first) || isClosed(range.last)) return true
  const isBelow = ({ first, last }: AddressRange) =>
    typeof first === typeof range.first && first <= range.last && range.first <= last
  return closed.some(isBelow)
}

/** Of the machine itself: in a sandbox that is the sandbox. */
export const isLoopback = (address: Address): boolean =>
  typeof address === 'number' ? address >>> 24 === 127 : address <= 1n
