// Subordinate ids from getsubids and from the files. The program is a script made here.
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { disjoint, parseGetsubids, parseSubIdFile, readSubIds, subtract } from '../../../src/host/subid.ts'

const directory = mkdtempSync(join(tmpdir(), 'usnea-subid-'))
after(() => rmSync(directory, { recursive: true }))

function files(subuid: string, subgid: string) {
  const etc = mkdtempSync(join(directory, 'etc-'))
  writeFileSync(join(etc, 'subuid'), subuid)
  writeFileSync(join(etc, 'subgid'), subgid)
  return etc
}

function getsubids(script: string) {
  const path = mkdtempSync(join(directory, 'bin-'))
  writeFileSync(join(path, 'getsubids'), `#!/bin/sh\n${script}\n`)
  chmodSync(join(path, 'getsubids'), 0o755)
  return { PATH: path }
}

const nowhere = { PATH: join(directory, 'nothing') }
const alice = { userName: 'alice', uid: 1000 }

test('both files are keyed by the user, by name or by number, in several lines', () => {
  const etc = files(
    '# comment\n\nalice:100000:65536\nbob:300000:65536\n1000:500000:10\n',
    'alice:200000:65536 # why not\nstaff:700000:65536\n',
  )
  assert.deepEqual(readSubIds({ ...alice, env: nowhere, etc }), {
    uids: [
      { start: 100_000, size: 65_536 },
      { start: 500_000, size: 10 },
    ],
    gids: [{ start: 200_000, size: 65_536 }],
    source: 'files',
    taken: [
      { start: 100_000, size: 65_536 },
      { start: 300_000, size: 65_536 },
      { start: 500_000, size: 10 },
      { start: 200_000, size: 65_536 },
      { start: 700_000, size: 65_536 },
    ],
    others: [
      { start: 300_000, size: 65_536 },
      { start: 700_000, size: 65_536 },
    ],
  })
})

test('a user without a name is found by number', () => {
  const etc = files('1000:100000:65536\n', '1000:100000:65536\n')
  const found = readSubIds({ userName: undefined, uid: 1000, env: nowhere, etc })
  assert.deepEqual(found.uids, [{ start: 100_000, size: 65_536 }])
})

test('missing files and unknown users have no ranges', () => {
  const missing = readSubIds({ ...alice, env: nowhere, etc: join(directory, 'missing') })
  assert.deepEqual(missing, { uids: [], gids: [], source: 'none', taken: [], others: [] })
  assert.equal(readSubIds({ ...alice, env: nowhere, etc: files('bob:1:1\n', '') }).source, 'none')
})

test('getsubids is asked first, because it knows name services', () => {
  const env = getsubids('if [ "$1" = -g ]; then echo "0: $2 900000 65536"; else echo "0: $1 800000 65536"; fi')
  const found = readSubIds({ ...alice, env, etc: files('alice:100000:65536\n', 'alice:100000:65536\n') })
  assert.deepEqual(found.uids, [{ start: 800_000, size: 65_536 }])
  assert.deepEqual(found.gids, [{ start: 900_000, size: 65_536 }])
  assert.equal(found.source, 'getsubids')
  assert.deepEqual(found.taken, [{ start: 100_000, size: 65_536 }], 'what the files give away stays taken')
})

test('a getsubids that fails, or knows nothing, leaves the word to the files', () => {
  const etc = files('alice:100000:65536\n', 'alice:100000:65536\n')
  for (const script of ['echo "Error fetching ranges" >&2; exit 1', 'exit 0', 'echo nonsense']) {
    assert.equal(readSubIds({ ...alice, env: getsubids(script), etc }).source, 'files', script)
  }
})

test('getsubids gets a clean environment', () => {
  const env = { ...getsubids('echo "0: alice $(env | grep -c SECRET) 7"'), SECRET: 'x' }
  const found = readSubIds({ ...alice, env, etc: files('', '') })
  assert.deepEqual(found.uids, [{ start: 0, size: 7 }])
})

test('user names may hold spaces and backslashes', () => {
  assert.deepEqual(parseGetsubids('0: DOMAIN\\al ice 100000 65536\n1: x 200000 5\n'), [
    { start: 100_000, size: 65_536 },
    { start: 200_000, size: 5 },
  ])
})

test('ranges that wrap, hold the invalid id, or hold nothing are dropped', () => {
  const text =
    'a:4294967295:1\na:4294967290:10\na:100:0\na:-5:3\na:x:y\na:99999999999999999999:1\na:4294967290:5\n:1:1\n'
  assert.deepEqual(parseSubIdFile(text), [{ owner: 'a', range: { start: 4_294_967_290, size: 5 } }])
})

const range = fc.record({ start: fc.nat(60), size: fc.integer({ min: 1, max: 20 }) })
const idsOf = (ranges: readonly { start: number; size: number }[]) =>
  ranges.flatMap(({ start, size }) => Array.from({ length: size }, (_, i) => start + i))

test('disjoint ranges hold every id of the given ones exactly once', () => {
  fc.assert(
    fc.property(fc.array(range, { maxLength: 8 }), (ranges) => {
      const ids = idsOf(disjoint(ranges))
      assert.equal(new Set(ids).size, ids.length)
      assert.deepEqual(new Set(ids), new Set(idsOf(ranges)))
    }),
  )
})

test('subtracting leaves exactly the ids outside of the hole', () => {
  fc.assert(
    fc.property(range, range, (whole, hole) => {
      const gone = new Set(idsOf([hole]))
      assert.deepEqual(
        idsOf(subtract(whole, hole)),
        idsOf([whole]).filter((id) => !gone.has(id)),
      )
    }),
  )
})
