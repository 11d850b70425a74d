import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { isRuntimeError } from '../../../src/base/errors.ts'
import { groupOf, makeBundle, removeBundle, sweepBundles } from '../../../src/tasks/bundle.ts'
import { checkName, whyNotName } from '../../../src/tasks/names.ts'
import { placesOf } from '../../../src/tasks/places.ts'
import { readRecord } from '../../../src/tasks/record.ts'
import { parseAddress } from '../../../src/tasks/shim/binary.ts'

const top = mkdtempSync(join(tmpdir(), 'usnea-bundle-'))
after(() => rmSync(top, { recursive: true, force: true }))
const uid = process.getuid?.() ?? 0
const modeOf = (path: string) => (statSync(path).mode & 0o7777).toString(8)
const spec = Buffer.from('{ "ociVersion":"1.0.0",\n\t"process": {"env": ["SECRET=1"]} }\n')
const wish = (id: string, text: Buffer = spec) => ({ parent: join(top, 'space'), id, spec: text, uid })
const withGids = (...lines: object[]) => Buffer.from(JSON.stringify({ linux: { gidMappings: lines } }))

describe('a bundle', () => {
  it('has its modes, and config.json byte for byte, for its owner alone', async () => {
    const mask = process.umask(0o022)
    try {
      const path = await makeBundle(wish('modes'))
      assert.deepEqual([modeOf(join(top, 'space')), modeOf(path), modeOf(join(path, 'rootfs'))], ['711', '700', '711'])
      assert.deepEqual([modeOf(join(path, 'config.json')), modeOf(join(path, 'log'))], ['600', '600'])
      assert.deepEqual(readFileSync(join(path, 'config.json')), spec)
    } finally {
      process.umask(mask)
    }
  })

  it('lets the root of its container pass', async () => {
    const path = await makeBundle(wish('mapped', withGids({ containerID: 0, hostID: 4321, size: 10 })))
    // Only root may give a directory to that group.
    assert.deepEqual([modeOf(path), statSync(path).gid === 4321], uid === 0 ? ['710', true] : ['711', false])
  })

  it('reads the group that is 0 in the container as Go does', () => {
    assert.equal(groupOf(spec), 0)
    assert.equal(groupOf(withGids({ containerID: 1, hostID: 5, size: 1 }, { containerID: 0, hostID: 7, size: 1 })), 7)
    assert.equal(groupOf(Buffer.from('{"LINUX":{"GidMappings":[{"containerid":0,"HOSTID":9}]}}')), 9)
    assert.equal(groupOf(Buffer.from('{"linux":{"gidMappings":[{"containerID":0,"hostID":-1}]}}')), 0)
    assert.throws(
      () => groupOf(Buffer.from('{')),
      (error) => isRuntimeError(error, 'task-request'),
    )
  })

  it('belongs to one of two who want it, and a failure leaves nothing', async () => {
    const both = await Promise.allSettled([makeBundle(wish('two')), makeBundle(wish('two'))])
    assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
    await assert.rejects(makeBundle(wish('two')), (error) => isRuntimeError(error, 'task-exists'))
    assert.ok(existsSync(join(top, 'space', 'two')), 'the first one’s stays')
    await assert.rejects(makeBundle(wish('bad', Buffer.from('no JSON'))), (error) =>
      isRuntimeError(error, 'task-request'),
    )
    assert.ok(!existsSync(join(top, 'space', 'bad')))
    mkdirSync(join(top, 'closed'))
    chmodSync(join(top, 'closed'), 0o500)
    if (uid === 0) return
    const closed = { ...wish('x'), parent: join(top, 'closed', 'space') }
    await assert.rejects(makeBundle(closed), (error) => isRuntimeError(error, 'task-bundle'))
  })

  it('goes at once, whatever an earlier removal has left', async () => {
    const parent = join(top, 'leftovers')
    for (const count of [1, 2]) {
      const path = await makeBundle({ ...wish('again'), parent })
      // Where containerd renames to, and what an interrupted removal of ours leaves.
      mkdirSync(join(parent, '.again'), { recursive: true })
      writeFileSync(join(parent, '.again', 'file'), String(count))
      mkdirSync(join(parent, `.gone-again-1-${count}`))
      await removeBundle(path)
      assert.ok(!existsSync(path))
    }
    assert.deepEqual(sweepBundles(parent), [])
    assert.deepEqual(readdirSync(parent), [])
    await removeBundle(join(parent, 'missing'))
    assert.deepEqual(sweepBundles(join(parent, 'missing')), [])
  })

  it('has a record only where all of it can be understood', async () => {
    const path = await makeBundle(wish('record'))
    assert.equal(readRecord(path), undefined)
    for (const text of ['', '{', 'null', '{"version":2}', '{"version":1}', '[]']) {
      writeFileSync(join(path, 'task.json'), text)
      assert.equal(readRecord(path), undefined, text)
    }
  })
})

describe('names', () => {
  it('are containerd’s', () => {
    for (const name of ['a', 'A1', 'a.b', 'a_b-c.d', 'x'.repeat(76)]) assert.equal(whyNotName(name), undefined, name)
    for (const name of ['', '.', '..', '.a', 'a.', 'a..b', 'a/b', 'a,b', 'a b', 'ä', '-a', 'x'.repeat(77), 'a\n'])
      assert.ok(whyNotName(name), name)
    assert.throws(
      () => checkName('namespace', 3),
      (error) => isRuntimeError(error, 'task-name'),
    )
  })

  it('of sockets are what shims print', () => {
    assert.deepEqual(parseAddress('unix:///run/x\n'), { address: 'unix:///run/x', version: 2 })
    assert.deepEqual(parseAddress('/containerd-shim/a/b/shim.sock'), {
      address: '/containerd-shim/a/b/shim.sock',
      version: 2,
    })
    const json = (version: number, protocol = 'ttrpc') => JSON.stringify({ version, address: 'unix:///x', protocol })
    assert.deepEqual(parseAddress(json(3)), { address: 'unix:///x', version: 3 })
    for (const bad of [
      '',
      'unix://relative',
      'http://x',
      json(9),
      json(2, 'grpc'),
      '{',
      '{"version":2}',
      'unix:///x\u0001',
      'two\nlines',
    ])
      assert.throws(
        () => parseAddress(bad),
        (error) => isRuntimeError(error, 'shim-garbage'),
        bad,
      )
  })

  it('of the socket of a service fit into one', () => {
    assert.deepEqual(placesOf({ service: '/s', runtime: '', persistent: undefined }), {
      ...{ state: '/s/state', data: '/s/data', oci: '/s/oci', socket: '/s/service.sock', wrappers: '/s/wrappers' },
    })
    assert.equal(placesOf({ runtime: '/run/u/@tasks', persistent: '/var/lib/u' }).data, '/var/lib/u/tasks')
    const long = { service: `/${'x'.repeat(100)}`, runtime: '', persistent: undefined }
    assert.throws(
      () => placesOf(long),
      (error) => isRuntimeError(error, 'daemon-socket'),
    )
  })
})
