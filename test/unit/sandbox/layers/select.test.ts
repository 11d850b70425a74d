import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Change, Item } from '../../../../src/sandbox/layers/changes.ts'
import type { Facts, Kind } from '../../../../src/sandbox/layers/facts.ts'
import { select } from '../../../../src/sandbox/layers/select.ts'

const facts = (kind: Kind): Facts => ({
  ...{ kind, ino: 1n, size: 0, mtime: 0n, ctime: 0n, mode: 0o644, uid: 0, gid: 0, links: 1, blocks: 0, device: 0 },
})
const shown = (kind: Kind) => ({ kind, size: 0, mode: 0, uid: 0, gid: 0 })

function item(path: string, change: Change['change'], more: Partial<Change> = {}, kind: Kind = 'file'): Item {
  const [now, host] = [change === 'removed' ? undefined : facts(kind), change === 'added' ? undefined : facts(kind)]
  return {
    folder: 0,
    path,
    touched: { path, now, host },
    change: {
      path: `/p/${path}`,
      change,
      differs: [],
      ...(now && { after: shown(kind) }),
      ...(host && { before: shown(kind) }),
      ...more,
    },
    ...(more.danger === undefined ? {} : { dangerRoot: `/p/${path}` }),
  }
}

const paths = (items: readonly Item[]) => items.map(({ path }) => path)

test('a path brings along the directories around it, and the old name of what was renamed', () => {
  const old = item('old', 'removed')
  const items = [item('d', 'added', {}, 'directory'), item('d/e', 'added'), item('d/f', 'added'), old]
  const renamed = { ...item('new', 'added'), movedFrom: old }
  assert.deepEqual(paths(select([...items, renamed], { paths: ['/p/d/e'] }).chosen), ['d', 'd/e'])
  assert.deepEqual(paths(select([...items, renamed], { paths: ['/p/new'] }).chosen), ['old', 'new'])
})

test('what is left out keeps the directories that it lies in', () => {
  const items = [
    item('d', 'removed', {}, 'directory'),
    item('d/conflict', 'removed', { conflict: 'the host changed it since' }),
    item('d/other', 'removed'),
  ]
  assert.throws(() => select(items, {}), { code: 'apply-conflict' })
  const { chosen, theirs } = select(items, { conflicts: 'theirs' })
  assert.deepEqual([paths(chosen), paths(theirs)], [['d/other'], ['d', 'd/conflict']])
  assert.deepEqual(paths(select(items, { conflicts: 'force' }).chosen), ['d', 'd/conflict', 'd/other'])
})

test('a danger must be named itself, and what is refused is never chosen', () => {
  const items = [
    item('hook', 'added', { danger: 'git runs it' }),
    item('pipe', 'added', { refused: 'a pipe' }),
    item('x', 'added'),
  ]
  assert.throws(() => select(items, {}), { code: 'apply-refused' })
  assert.throws(() => select(items, { paths: ['/p/hook', '/p/pipe'] }), { code: 'apply-refused' })
  assert.deepEqual(paths(select(items, { paths: ['/p/hook'] }).chosen), ['hook'])
  assert.deepEqual(paths(select(items, { skipRefused: true }).chosen), ['x'])
  assert.throws(() => select(items, { paths: ['/p/nowhere'] }), { code: 'apply-nothing' })
})
