import assert from 'node:assert/strict'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { ContainerId } from '../../../src/base/ids.ts'
import { takeLock } from '../../../src/state/lock.ts'
import { loadRecord } from '../../../src/state/read-record.ts'
import { completeRecord, whyNotRecord } from '../../../src/state/record.ts'
import { openSlot, reserve } from '../../../src/state/store.ts'

const root = mkdtempSync(join(tmpdir(), 'usnea-store-'))
after(() => rmSync(root, { recursive: true }))
const id = 'box' as ContainerId

const least = {
  version: 1,
  id,
  bundle: '/b',
  rootfs: '/b/rootfs',
  created: '2026-01-01T00:00:00Z',
  pid: 7,
  startTime: '1',
  bootId: 'x',
  spec: { ociVersion: '1.0.0' },
}

test('a record that lacks what later releases added gets the value that says least', () => {
  assert.equal(whyNotRecord(least, id), undefined)
  const { ready, tail, degradations, cgroup } = completeRecord(least)
  assert.deepEqual(
    { ready, tail, degradations, manager: cgroup.manager },
    {
      ready: true,
      tail: { first: 0, ops: [] },
      degradations: [],
      manager: 'none',
    },
  )
})

test('fields of the wrong shape make it no record of ours', () => {
  for (const wrong of [
    { tail: 1 },
    { tail: null },
    { tail: { ops: 2 } },
    { degradations: {} },
    { pid: -1 },
    { spec: null },
  ])
    assert.equal(whyNotRecord({ ...least, ...wrong }, id), 'foreign', JSON.stringify(wrong))
})

test('fields that we do not know survive a change', async () => {
  const slot = await reserve(root, id)
  writeFileSync(join(slot.directory, 'state.json'), JSON.stringify({ ...least, wish: { deep: ['kept'] } }))
  slot.unlock()
  const again = await openSlot(root, id)
  const record = again.load()
  assert.ok(record)
  again.save({ ...record, ready: false })
  const { wish, ready, bundle } = JSON.parse(readFileSync(join(again.directory, 'state.json'), 'utf8'))
  assert.deepEqual({ wish, ready, bundle }, { wish: { deep: ['kept'] }, ready: false, bundle: '/b' })
  again.unlock()
})

test('an id that is a slip away from one that there is gets that as its fix, and others get none', () => {
  const place = mkdtempSync(join(root, 'near-'))
  const names = ['web-server', 'a'.repeat(64)]
  for (const name of names) mkdirSync(join(place, name), { recursive: true })
  const fixOf = (name: string) => {
    try {
      loadRecord(place, name as ContainerId)
    } catch (error) {
      const { code, message, fix } = error as { code: string; message: string; fix: string | undefined }
      assert.equal(code, 'container-missing')
      assert.match(message, /^container does not exist/)
      return fix
    }
    return assert.fail('it is there')
  }
  assert.equal(fixOf('web-sever'), 'use web-server, if that was meant')
  assert.equal(fixOf('database'), undefined)
  assert.equal(fixOf('b'.repeat(64)), undefined)
})

/** Another container of the same id, with everything that a container has. */
function another(place: string): string {
  const directory = join(place, id)
  renameSync(directory, `${directory}-old`)
  mkdirSync(directory)
  for (const name of ['lock', 'state.json']) writeFileSync(join(directory, name), '')
  return directory
}

const isMissing = { code: 'container-missing' }

test('who waited for the lock of a directory that has gone meanwhile gets neither that one nor its successor', async () => {
  const place = mkdtempSync(join(root, 'waits-'))
  ;(await reserve(place, id)).unlock()
  const lock = await takeLock(join(place, id))
  const late = openSlot(place, id)
  const directory = another(place)
  lock[Symbol.dispose]()
  await assert.rejects(late, isMissing)
  assert.deepEqual(readdirSync(directory).sort(), ['lock', 'state.json'])
})

test('a slot removes its own directory alone, with its lock and after it', async () => {
  for (const isLocked of [true, false]) {
    const place = mkdtempSync(join(root, 'removes-'))
    const slot = await reserve(place, id)
    if (!isLocked) slot.unlock()
    const directory = another(place)
    slot.remove()
    assert.ok(existsSync(join(directory, 'state.json')))
    rmSync(directory, { recursive: true })
    renameSync(`${directory}-old`, directory)
    slot.remove()
    assert.deepEqual(readdirSync(place), [])
    slot.unlock()
  }
})

test('a reservation that lost its directory before it had the lock does not take the one that came after it', async () => {
  const place = mkdtempSync(join(root, 'reserves-'))
  const late = reserve(place, id) // it has made the directory, and begins to wait for whoever is quicker
  const lost = assert.rejects(late, isMissing)
  assert.ok(existsSync(join(place, id)))
  another(place)
  await lost
  assert.deepEqual(readdirSync(join(place, id)).sort(), ['lock', 'state.json'])
})
