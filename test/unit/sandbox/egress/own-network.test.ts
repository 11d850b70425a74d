import assert from 'node:assert/strict'
import { networkInterfaces } from 'node:os'
import { test } from 'node:test'
import { type Address, covers, formatAddress, parseAddress } from '../../../../src/sandbox/egress/addresses.ts'
import { isOwn, ownRanges } from '../../../../src/sandbox/egress/own-network.ts'

const details = { netmask: '', mac: '00:00:00:00:00:00', internal: false }
const six = (address: string, cidr: string | null) =>
  ({ ...details, address, cidr, family: 'IPv6', scopeid: 0 }) as const
const four = (address: string, cidr: string) => ({ ...details, address, cidr, family: 'IPv4' }) as const
const address = (text: string): Address => parseAddress(text) ?? assert.fail(text)

test('of IPv6 the link is near, of IPv4 the address alone', () => {
  const ranges = ownRanges({
    eth0: [four('8.8.4.4', '8.8.4.4/24'), six('2600:1:2:3::5', '2600:1:2:3::5/64'), six('2600:9::1', '2600:9::1/128')],
    tun0: [six('2a00:1::1', '2a00:1::1/3'), six('2a00:2::1', null)],
    none: undefined,
  })
  const isNear = (text: string) => ranges.some((range) => covers(range, address(text)))
  for (const text of [
    '8.8.4.4',
    '2600:1:2:3::',
    '2600:1:2:3:ffff:ffff:ffff:ffff',
    '2600:9::1',
    '2a00:1::1',
    '2a00:2::1',
  ])
    assert.ok(isNear(text), text)
  for (const text of ['8.8.4.5', '2600:1:2:4::', '2600:1:2:2:ffff::', '2600:9::2', '2a00:1::2', '2a00:2::2'])
    assert.ok(!isNear(text), text)
})

test('every address of this machine is near', () => {
  for (const { address: text } of Object.values(networkInterfaces()).flatMap((list) => list ?? [])) {
    const own = parseAddress(text.replace(/%.*/, ''))
    assert.ok(own !== undefined && isOwn(own), own === undefined ? text : formatAddress(own))
  }
  assert.ok(!isOwn(address('2606:4700::1111')))
})
