// Needs nothing: names of units and their directories, addresses of managers, and properties from annotations.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { managerPlace, parseAddresses } from '../../../../src/linux/systemd/address.ts'
import { variant } from '../../../../src/linux/systemd/encode.ts'
import { directoryName, escapeName, objectPath, slicePath, unitPlace } from '../../../../src/linux/systemd/names.ts'
import { annotatedProperties, parseVariant } from '../../../../src/linux/systemd/property-text.ts'
import { aHost, realRoot } from '../../host/literal.ts'

describe('unitPlace', () => {
  it('reads slice:prefix:name, and has a name for those who give none', () => {
    assert.deepEqual(unitPlace('machine.slice:libpod:0a1b', 'x'), { slice: 'machine.slice', unit: 'libpod-0a1b.scope' })
    assert.deepEqual(unitPlace(':docker:abc', 'x'), { slice: undefined, unit: 'docker-abc.scope' })
    assert.deepEqual(unitPlace('a.slice::abc.scope', 'x'), { slice: 'a.slice', unit: 'abc.scope' })
    assert.deepEqual(unitPlace(undefined, 'box+1'), { slice: undefined, unit: 'usnea-box\\x2b1.scope' })
    assert.deepEqual(unitPlace('', 'box'), { slice: undefined, unit: 'usnea-box.scope' })
  })

  it('refuses what is no place for a container', () => {
    for (const path of [
      '/a/b',
      'a',
      'a:b',
      'a.slice:b:',
      'a.slice:b:c:d',
      'a:b:c',
      'a--b.slice:x:y',
      '.slice:x:y',
      '../a.slice:x:y',
    ])
      assert.ok('wrong' in unitPlace(path, 'x'), path)
    assert.deepEqual(unitPlace('a.slice:x:y.slice', 'x'), {
      wrong: 'y.slice is a slice, and a slice takes no processes',
    })
    assert.ok('wrong' in unitPlace(undefined, 'x'.repeat(300)))
  })

  it('never gives a name that leads elsewhere', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (prefix, name) => {
        const place = unitPlace(`:${prefix}:${name}`, 'x')
        if ('wrong' in place) return
        assert.match(place.unit, /^[A-Za-z0-9:_.\\@-]+\.scope$/)
        assert.doesNotMatch(place.unit, /^\./)
      }),
    )
  })
})

describe('names', () => {
  it('of slices nest at every dash', () => {
    assert.equal(slicePath('user.slice'), '/user.slice')
    assert.equal(slicePath('a-b-c.slice'), '/a.slice/a-b.slice/a-b-c.slice')
    assert.equal(slicePath('-.slice'), '')
    for (const wrong of ['a', 'a.scope', '-a.slice', 'a-.slice', 'a/b.slice', '', 'a b.slice'])
      assert.equal(slicePath(wrong), undefined)
  })

  it('are escaped as systemd-escape(1) and the bus do it', () => {
    assert.equal(escapeName('.hidden é/'), '\\x2ehidden\\x20\\xc3\\xa9\\x2f')
    assert.equal(objectPath('1a-b.scope'), '/org/freedesktop/systemd1/unit/_31a_2db_2escope')
  })

  it('that could be files of a cgroup get an underscore', () => {
    for (const unit of ['memory.scope', 'cgroup.scope', '_x.scope', 'tasks'])
      assert.equal(directoryName(unit), `_${unit}`)
    for (const unit of ['box-memory.scope', 'memory-x.scope']) assert.equal(directoryName(unit), unit)
  })
})

describe('managerPlace', () => {
  const paths = (host: Parameters<typeof managerPlace>[0]) => managerPlace(host).addresses.map(({ path }) => path)

  it('asks the system as its owner only', () => {
    assert.equal(managerPlace(aHost()).manager, 'user')
    assert.equal(managerPlace(realRoot()).manager, 'system')
    assert.deepEqual(paths(realRoot({ env: {} })), ['/run/systemd/private', '/run/dbus/system_bus_socket'])
    const nested = { uid: 0 as never, inUserNamespace: true, ownsSystemManager: true }
    assert.equal(managerPlace(aHost(nested)).manager, 'system')
  })

  it('finds the sockets of the user whom the peer sees', () => {
    const map = [{ inner: 0, outer: 1234, size: 1 }]
    const host = aHost({
      uid: 0 as never,
      uidMap: map,
      env: { XDG_RUNTIME_DIR: '/run/me', DBUS_SESSION_BUS_ADDRESS: 'unix:path=/b' },
    })
    const expected = [
      '/b',
      '/run/me/systemd/private',
      '/run/me/bus',
      '/run/user/1234/systemd/private',
      '/run/user/1234/bus',
    ]
    assert.deepEqual(paths(host), expected)
  })

  it('reads addresses of unix sockets', () => {
    const env = { XDG_RUNTIME_DIR: '/run/me' }
    const read = (text: string) => parseAddresses(text, env).map(({ path }) => path)
    assert.deepEqual(read('unix:path=/run/user/1/bus,guid=ab'), ['/run/user/1/bus'])
    assert.deepEqual(read('tcp:host=x,port=1;unix:abstract=/tmp/d%2d1;unix:runtime=yes'), ['\0/tmp/d-1', '/run/me/bus'])
    assert.deepEqual(read('unix:path=relative;unix:tmpdir=/tmp;nonsense;'), [])
    assert.equal(parseAddresses('unix:path=/run/user/1/systemd/private', env)[0]?.isDirect, true)
  })
})

describe('annotations', () => {
  it('hold values in the text format of GVariant', () => {
    const cases = [
      ['true', variant('b', true)],
      ["'it\\'s'", variant('s', "it's")],
      ['"x"', variant('s', 'x')],
      ['7', variant('i', 7)],
      ['uint64 7', variant('t', 7n)],
      ['@t 7', variant('t', 7n)],
      ['byte 255', variant('y', 255)],
      ['1.5', variant('d', 1.5)],
      ["['a.service', 'b, c']", variant('as', ['a.service', 'b, c'])],
      ['@as []', variant('as', [])],
      ['[1, 2]', variant('ai', [1, 2])],
    ] as const
    for (const [text, expected] of cases) assert.deepEqual(parseVariant(text), expected, text)
    for (const wrong of [
      '',
      'yes',
      'uint64 -1',
      'byte 256',
      '[]',
      "['a', 1]",
      'uint64 x',
      "'open",
      '99999999999',
      '@z 1',
    ])
      assert.equal(parseVariant(wrong), undefined, wrong)
  })

  it('become properties, seconds as microseconds', () => {
    const { properties, issues } = annotatedProperties({
      'org.systemd.property.TimeoutStopSec': 'uint64 90',
      'org.systemd.property.RuntimeMaxSec': '1.5',
      'org.systemd.property.CollectMode': "'inactive'",
      'org.example.other': 'nothing',
    })
    assert.deepEqual(issues, [])
    assert.deepEqual(properties, [
      ['TimeoutStopUSec', variant('t', 90_000_000n)],
      ['RuntimeMaxUSec', variant('t', 1_500_000n)],
      ['CollectMode', variant('s', 'inactive')],
    ])
  })

  it('may not say where the container is', () => {
    const wrong = {
      PIDs: '@au [1]',
      Slice: "'a.slice'",
      a: 'true',
      'No-Name': 'true',
      CollectMode: 'maybe',
      TimeoutStopSec: "'x'",
      RuntimeMaxSec: '-1',
    }
    for (const [name, text] of Object.entries(wrong))
      assert.equal(annotatedProperties({ [`org.systemd.property.${name}`]: text }).issues.length, 1, name)
  })
})
