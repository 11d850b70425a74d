/**
 * Addresses of the machine that we run on, and of its neighbours. IPv6 has no private range that a LAN uses: a printer and
 * a database have addresses like those of the internet, which the router's firewall keeps apart, and we are behind it.
 */
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os'
import { elapsed } from '../../base/clock.ts'
import { type Address, type AddressRange, covers, parseAddress, parseRange } from './addresses.ts'

/** Machines move between networks, and connections are many. */
const KEPT_MS = 2000
/** A tunnel may say that half of the internet is on its link. The longest prefix of one provider's whole network is less. */
const SHORTEST_LINK = 32
const IPV6_BITS = 128

/** Of IPv4 the address alone: its LANs have private ranges, and a neighbour with a public address is a host as others are. */
function rangeOf({ address, cidr }: Pick<NetworkInterfaceInfo, 'address' | 'cidr'>): AddressRange[] {
  const own = parseAddress(address.replace(/%.*/, ''))
  if (own === undefined) return []
  const length = Number(cidr?.split('/')[1] ?? IPV6_BITS)
  if (typeof own === 'number' || !(length >= SHORTEST_LINK)) return [{ first: own, last: own }]
  const size = 1n << BigInt(IPV6_BITS - length)
  const first = own - (own % size)
  return [{ first, last: first + size - 1n }]
}

/** Pure. */
export function ownRanges(interfaces: ReturnType<typeof networkInterfaces>): AddressRange[] {
  return Object.values(interfaces).flatMap((addresses) => (addresses ?? []).flatMap(rangeOf))
}

const everything: readonly AddressRange[] = ['0.0.0.0/0', '::/0'].flatMap((text) => parseRange(text) ?? [])

function find(): readonly AddressRange[] {
  try {
    return ownRanges(networkInterfaces())
  } catch {
    return everything // where the kernel does not tell, any address may be ours
  }
}

let known: { readonly ranges: readonly AddressRange[]; readonly until: number } | undefined

/** This machine, and its links of IPv6, as of two seconds ago at most. */
export function ownNetworks(): readonly AddressRange[] {
  if (known === undefined || known.until < elapsed()) known = { ranges: find(), until: elapsed() + KEPT_MS }
  return known.ranges
}

export const isOwn = (address: Address): boolean => ownNetworks().some((range) => covers(range, address))
