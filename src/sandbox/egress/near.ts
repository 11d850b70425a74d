/** Whether a rule opens what is near at hand, for people who read a policy: no name opens that, only a rule with the address. Pure. */
import { type AddressRange, covers, holdsClosed, parseAddress } from './addresses.ts'
import type { Rule } from './rules.ts'

/** Where clouds tell a machine who it is, with its passwords. */
const metadata = ['169.254.169.254', '100.100.100.200', '168.63.129.16', 'fd00:ec2::254'].flatMap(
  (text) => parseAddress(text) ?? [],
)

const meet = (one: AddressRange, other: AddressRange): boolean =>
  typeof one.first === typeof other.first && one.first <= other.last && other.first <= one.last

/** `own`: addresses of this machine and of its links. Undefined for a name, and for what is of the internet alone. */
export function nearness({ host }: Rule, own: readonly AddressRange[]): string | undefined {
  if (!('addresses' in host)) return undefined
  const { addresses } = host
  if (metadata.some((address) => covers(addresses, address)))
    return 'it holds the metadata of a cloud, with its passwords'
  if (own.some((range) => meet(range, addresses))) return 'it holds this machine, or a network of its own'
  return holdsClosed(addresses) ? 'it is private, link-local or reserved' : undefined
}
