import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { int64, uint64 } from '../../../src/spec/integers.ts'
import { hookNames, mountExtension, namespaceTypes } from '../../../src/spec/names.ts'
import { describe as inWords, quote } from '../../../src/spec/quote.ts'
import { sysctlPath } from '../../../src/spec/sysctl.ts'

describe('64-bit numbers', () => {
  it('come back from doubles without wrapping', () => {
    assert.equal(uint64(JSON.parse('18446744073709551615')), 2n ** 64n - 1n)
    assert.equal(int64(JSON.parse('9223372036854775807')), 2n ** 63n - 1n)
    assert.equal(int64(JSON.parse('-9223372036854775808')), -(2n ** 63n))
  })

  it('are exact where doubles are', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => Number(uint64(value)) === value && Number(int64(-value)) === -value),
    )
  })
})

describe('quote', () => {
  it('lets no control or invisible character through, whatever the text', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom('a', '\u001b', '\u009b', '\u202e', '\u2028', '\u0000', '\ud800', '"', '\u{e0001}'),
        }),
        (text) => {
          assert.doesNotMatch(quote(text), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
        },
      ),
    )
  })

  it('shortens long text', () => assert.ok(quote('x'.repeat(500)).length < 70))
})

describe('describe', () => {
  it('names lists and objects, and shows scalars', () => {
    const words = [[], {}, null, true, 1.5, 'x', undefined].map(inWords)
    assert.deepEqual(words, ['a list', 'an object', 'null', 'true', '1.5', '"x"', 'undefined'])
  })
})

describe('sysctlPath', () => {
  it('takes both notations, and the first separator decides', () => {
    assert.equal(sysctlPath('net.ipv4.ip_forward'), 'net/ipv4/ip_forward')
    assert.equal(sysctlPath('net/ipv4/conf/eth0.1/x'), 'net/ipv4/conf/eth0.1/x')
    assert.equal(sysctlPath('net.ipv4.conf.eth0/1.x'), 'net/ipv4/conf/eth0.1/x')
  })

  it('never leads out of its directory', () => {
    const key = fc
      .array(fc.constantFrom('net', '.', '/', '..', 'a', '\0'), { maxLength: 8 })
      .map((parts) => parts.join(''))
    fc.assert(
      fc.property(key, (name) => {
        const path = sysctlPath(name)
        assert.ok(path === undefined || path.split('/').every((part) => part !== '' && part !== '.' && part !== '..'))
      }),
    )
    for (const name of ['', 'net', 'net/../kernel/x', '/net/x', '.net.x', 'net.ipv4.//.x']) {
      assert.equal(sysctlPath(name), undefined, name)
    }
  })
})

describe('mountExtension', () => {
  it('knows names with and without id lists, and nothing else', () => {
    assert.equal(mountExtension('idmap=uids=0-1-1;gids=0-1-1'), 'idmap')
    assert.equal(mountExtension('ridmap=x'), 'ridmap')
    assert.equal(mountExtension('tmpcopyup'), 'tmpcopyup')
    assert.equal(mountExtension('tmpcopyup=x'), undefined)
    assert.equal(mountExtension('size=1'), undefined)
  })
})

describe('the schema', () => {
  const schema = JSON.parse(
    readFileSync(new URL('../../../src/spec/schema/config.schema.json', import.meta.url), 'utf8'),
  )

  it('has the hooks that the rules know', () => {
    assert.deepEqual(Object.keys(schema.definitions.hooks.properties), hookNames)
  })

  it('refers only to definitions it has, and uses each', () => {
    const names = [...JSON.stringify(schema).matchAll(/#\/definitions\/(\w+)/g)].map(([, name]) => name)
    assert.deepEqual([...new Set(names)].toSorted(), Object.keys(schema.definitions).toSorted())
  })

  it('leaves the types of namespaces to the rules, which have their own words', () => {
    assert.equal(schema.definitions.namespace.properties.type.enum, undefined)
    assert.equal(namespaceTypes.length, 8)
  })

  it('is compiled to code that needs no package', () => {
    const code = readFileSync(new URL('../../../src/spec/generated/validate.ts', import.meta.url), 'utf8')
    assert.doesNotMatch(code, /\brequire\(|\bimport\b/)
  })
})
