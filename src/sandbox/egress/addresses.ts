/** IPv4 addresses as numbers, ranges of them, and those that no name may lead to. Pure. */

/** `first` to `last`, both included. */
export interface Range {
  readonly first: number
  readonly last: number
}

/** Only dotted decimal: `010.0.0.1` and `1.1` mean different things to different programs, so they are no addresses. */
export function parseAddress(text: string): number | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1)
  if (!parts || parts.some((part) => Number(part) > 255 || (part.length > 1 && part.startsWith('0')))) return undefined
  return parts.reduce((number, part) => number * 256 + Number(part), 0)
}

export function formatAddress(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.')
}

/** `ADDRESS` or `ADDRESS/LENGTH`; bits behind the length must be 0, as a slip of the pen there opens too much. */
export function parseRange(text: string): Range | undefined {
  const [head = '', length, ...more] = text.split('/')
  const first = parseAddress(head)
  if (first === undefined || more.length > 0) return undefined
  if (length === undefined) return { first, last: first }
  if (!/^\d{1,2}$/.test(length) || Number(length) > 32) return undefined
  const size = 2 ** (32 - Number(length))
  return first % size === 0 ? { first, last: first + size - 1 } : undefined
}

export const contains = ({ first, last }: Range, address: number): boolean => first <= address && address <= last

/** What is not the public internet, by IANA's registry of special addresses (RFC 6890), and the metadata of clouds. */
const closed: readonly Range[] = [
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
].map((text) => parseRange(text) as Range)

/** Is it reached only where a rule names the address itself? */
export const isClosed = (address: number): boolean => closed.some((range) => contains(range, address))
