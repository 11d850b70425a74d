/** Where a sandbox with allowed hosts may go. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type Address,
  covers,
  formatAddress,
  isClosed,
  parseAddress,
  parseRange,
} from '../../../../src/sandbox/egress/addresses.ts'
import { decideAddress, decideName, namedPorts, openAddresses } from '../../../../src/sandbox/egress/decide.ts'
import { Names } from '../../../../src/sandbox/egress/names.ts'
import { parseRule, type Rule, ruleForName } from '../../../../src/sandbox/egress/rules.ts'

function rules(...texts: string[]): Rule[] {
  return texts.map((text) => {
    const parsed = parseRule(text)
    assert.ok('rule' in parsed, `${text}: ${'problem' in parsed ? parsed.problem : ''}`)
    return parsed.rule
  })
}
const address = (text: string): Address => parseAddress(text) ?? assert.fail(text)

test('a star stands for every name below, not for the name itself and not for one that ends alike', () => {
  const list = rules('*.example.org')
  for (const name of ['a.example.org', 'a.b.example.org']) assert.ok(ruleForName(list, name), name)
  for (const name of ['example.org', 'badexample.org', 'example.org.evil.net', 'a.example.orgs', ''])
    assert.equal(ruleForName(list, name), undefined, name)
  assert.ok(ruleForName(rules('Bücher.example.'), 'xn--bcher-kva.example'))
})

test('ports are single ones, lists, ranges, or all', () => {
  const [rule] = rules('h.example:80,443,8000-8100')
  assert.deepEqual(namedPorts(rule ? [rule] : [], 5), [80, 443, 8000, 8001, 8002])
  assert.deepEqual(namedPorts(rules('h.example'), 9), [80, 443])
  const list = rules('h.example:80,443', 'h.example:8000-8100', 'i.example:*')
  const open = [80, 443, 8000, 8100].filter((port) => decideName(list, 'h.example', port).allowed)
  assert.deepEqual(open, [80, 443, 8000, 8100])
  assert.deepEqual(decideName(list, 'h.example', 81), {
    allowed: false,
    reason: 'port-not-allowed',
    names: ['h.example'],
  })
  assert.deepEqual(decideName(list, 'j.example', 80), {
    allowed: false,
    reason: 'name-not-allowed',
    names: ['j.example'],
  })
  assert.equal(decideName(list, 'i.example', 1).allowed, true)
})

test('an address is reached by the names that were told for it, each on its own ports', () => {
  const list = rules('a.example:443', 'b.example:80', '10.1.0.0/16:22')
  const names = new Names()
  names.learn('a.example', [address('11.0.0.1')])
  names.learn('b.example', [address('11.0.0.1')])
  const decide = (text: string, port: number) => decideAddress(list, names, address(text), port)
  assert.deepEqual(decide('11.0.0.1', 443), { allowed: true, rule: list[0], names: ['a.example'] })
  assert.deepEqual(decide('11.0.0.1', 80), { allowed: true, rule: list[1], names: ['b.example'] })
  assert.equal(decide('11.0.0.1', 22).allowed, false)
  assert.deepEqual(decide('11.0.0.2', 443), { allowed: false, reason: 'address-not-known', names: [] })
  assert.deepEqual(decide('10.1.2.3', 22), { allowed: true, rule: list[2], names: undefined })
  assert.deepEqual(decide('10.1.2.3', 80), { allowed: false, reason: 'port-not-allowed', names: [] })
  assert.deepEqual(decide('10.2.0.0', 22), { allowed: false, reason: 'address-closed', names: [] })
})

test('no name opens a closed range, also not *', () => {
  const list = rules('*')
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer({ min: 1, max: 65535 }), (number, port) => {
      const names = new Names()
      names.learn('any.example', [number])
      assert.equal(decideAddress(list, names, number, port).allowed, !isClosed(number))
      assert.equal(openAddresses(list, [number]).length, isClosed(number) ? 0 : 1)
    }),
  )
})

test('the closed ranges end where the registry says', () => {
  const closed =
    '10.255.255.255 100.64.0.0 100.100.100.200 127.0.0.1 168.63.129.16 169.254.169.254 172.31.255.255 192.168.0.1 198.19.255.255 224.0.0.1 255.255.255.255 0.0.0.0'
  const open =
    '9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 168.63.129.17 169.253.255.255 172.15.255.255 172.32.0.0 192.167.255.255 192.169.0.0 223.255.255.255 1.1.1.1'
  for (const text of closed.split(' ')) assert.ok(isClosed(address(text)), text)
  for (const text of open.split(' ')) assert.ok(!isClosed(address(text)), text)
})

test('addresses are read and written alike, and only in their one form', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (number) => {
      assert.equal(parseAddress(formatAddress(number)), number)
    }),
  )
  for (const text of ['1.2.3', '01.2.3.4', '1.2.3.256', '0x7f.0.0.1', '1.2.3.4 ', '', '1.2.3.4.5'])
    assert.equal(parseAddress(text), undefined, text)
  assert.deepEqual(parseRange('10.0.0.0/8'), { first: 0x0a000000, last: 0x0affffff })
  assert.deepEqual(parseRange('0.0.0.0/0'), { first: 0, last: 0xffffffff })
  for (const text of ['10.0.0.1/8', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', '/8'])
    assert.equal(parseRange(text), undefined, text)
})

test('names are forgotten oldest first, so that nobody can fill our memory', () => {
  const names = new Names()
  for (let i = 0; i < 9000; i++) names.learn('a.example', [i])
  assert.deepEqual(names.of(0), [])
  assert.deepEqual(names.of(8999), ['a.example'])
  for (let i = 0; i < 100; i++) names.learn(`n${i}.example`, [7])
  assert.equal(names.of(7).length, 64)
  assert.ok(names.of(7).includes('n99.example'))
})

test('addresses of IPv6 are read and written as one, and what stands for IPv4 is IPv4', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }), (value) => {
      const read = parseAddress(formatAddress(value))
      assert.equal(BigInt(read ?? -1), value >> 32n === 0xffffn ? value & 0xffffffffn : value)
    }),
  )
  for (const [text, same] of [
    ['2600:1:0:0:0:0:0:1', '2600:1::1'],
    ['::', '::'],
    ['1::', '1::'],
    ['2600:0:0:1::', '2600:0:0:1::'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['::FFFF:a00:1', '10.0.0.1'],
  ] as const)
    assert.equal(formatAddress(address(text)), same, text)
  for (const text of ['fe80::1%lo', '1::2::3', '12345::', ':1', '::ffff:1.2.3', '[::1]'])
    assert.equal(parseAddress(text), undefined, text)
  assert.ok(!covers(parseRange('0.0.0.0/0') ?? assert.fail(), address('::1')), 'families do not meet')
})

test('all but the public part of IPv6 is closed, also where it stands for an address of IPv4', () => {
  for (const text of [
    '::1',
    '::',
    'fe80::1',
    'fc00::1',
    'fd00:ec2::254',
    'ff02::1',
    '2001:db8::1',
    '2002:a00:1::',
    '2001::1',
  ])
    assert.ok(isClosed(address(text)), text)
  for (const text of ['64:ff9b::10.0.0.1', '64:ff9b:1::1', '::10.0.0.1', '::ffff:169.254.169.254', 'fec0::1'])
    assert.ok(isClosed(address(text)), text)
  for (const text of ['2606:4700::1111', '2a00:1450::1', '64:ff9b::1.1.1.1', '::ffff:1.1.1.1'])
    assert.ok(!isClosed(address(text)), text)
})

test('a rule for addresses takes no port from a rule for names, and a closed address is opened by its own rule alone', () => {
  const names = new Names()
  names.learn('h.example', [address('11.0.0.1'), address('10.0.0.1')])
  const list = rules('h.example', '11.0.0.1:2222', '10.0.0.0/8:443', '[2600:1::/32]:53')
  const reason = (text: string, port: number) => {
    const verdict = decideAddress(list, names, address(text), port)
    return verdict.allowed ? verdict.rule.text : verdict.reason
  }
  assert.equal(reason('11.0.0.1', 443), 'h.example')
  assert.equal(reason('11.0.0.1', 2222), '11.0.0.1:2222')
  assert.equal(reason('10.0.0.1', 443), '10.0.0.0/8:443')
  assert.equal(reason('10.0.0.1', 22), 'port-not-allowed')
  assert.equal(reason('2600:1::9', 53), '[2600:1::/32]:53')
  assert.equal(reason('2600:2::9', 53), 'address-not-known')
  assert.ok(
    'problem' in parseRule('2600:1::1') && 'problem' in parseRule('[1.2.3.4]:1') && 'problem' in parseRule('[::1]'),
  )
})
