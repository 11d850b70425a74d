// Scripts that stand for a runtime with arguments: quoting by property, and files that are swapped and swept.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { isRuntimeError } from '../../../src/base/errors.ts'
import { shellWord } from '../../../src/runtimes/quote.ts'
import { sweepWrappers, wrapperFor } from '../../../src/runtimes/wrapper.ts'
import { directory, program, uid } from './place.ts'

const anew = () => join(mkdtempSync(join(directory, 'w-')), 'wrappers')
const later = Date.now() + 2 * 60 * 60 * 1000

/** Prints its arguments with a NUL behind each. */
const echo = program("a path/with 'quotes'/echo", '#!/bin/sh\nfor word in "$@"; do printf \'%s\\0\' "$word"; done\n')

test('[F] 2.5 any argument reaches the program as it is', () => {
  const word = fc.oneof(
    fc.string({ unit: fc.constantFrom(...'\'"$`\\ \n\t*?[]{}();&|<>~#!=%-aü') }),
    fc.string({ unit: 'grapheme' }),
  )
  const vector = fc.array(
    word.filter((text) => !text.includes('\0')),
    { maxLength: 40 },
  )
  const place = { directory: anew(), uid }
  fc.assert(
    fc.property(vector, vector, (args, own) => {
      const script = wrapperFor({ name: 'x', path: echo, args }, place)
      const { stdout, status } = spawnSync(script, own, { encoding: 'utf8', env: {} })
      assert.equal(status, 0)
      assert.deepEqual(stdout.split('\0').slice(0, -1), [...args, ...own])
    }),
    { numRuns: 40 },
  )
})

test('[F] 2.5 the worked example runs nothing and splits nothing', () => {
  const mark = join(directory, 'was-run')
  const args = ['--log', '/var/log/a b.log', `--x=$(touch ${mark})`]
  const script = wrapperFor({ name: 'crun', path: echo, args }, { directory: anew(), uid })
  const { stdout } = spawnSync(script, ['run', '* b'], { encoding: 'utf8', cwd: directory })
  assert.deepEqual(stdout.split('\0').slice(0, -1), [...args, 'run', '* b'])
  assert.equal(existsSync(mark), false)
})

test('a quote in a word', () => assert.equal(shellWord("it's"), "'it'\\''s'"))

test('the shell is gone when the program runs', () => {
  const show = program('show-pid', '#!/bin/sh\necho $$\n')
  const script = wrapperFor({ name: 'x', path: show, args: ['a'] }, { directory: anew(), uid })
  const { stdout, pid } = spawnSync(script, { encoding: 'utf8' })
  assert.equal(Number(stdout), pid)
})

test('without arguments there is no script', () => {
  const place = { directory: anew(), uid }
  assert.equal(wrapperFor({ name: 'x', path: echo, args: [] }, place), echo)
  assert.equal(existsSync(place.directory), false)
})

test('only we may read and run it, and its name tells its content', () => {
  const place = { directory: anew(), uid }
  const script = wrapperFor({ name: 'my/own', path: echo, args: ['a'] }, place)
  assert.match(basename(script), /^my%2Fown\.[0-9a-f]{16}$/)
  assert.equal(statSync(script).mode & 0o777, 0o700)
  assert.equal(statSync(place.directory).mode & 0o777, 0o700)
  assert.equal(wrapperFor({ name: 'my/own', path: echo, args: ['a'] }, place), script)
  assert.notEqual(wrapperFor({ name: 'my/own', path: echo, args: ['b'] }, place), script)
})

test('[F] 2.6 a script that is missing, was changed or may not be run is put in place again', () => {
  const place = { directory: anew(), uid }
  const ask = () => wrapperFor({ name: 'x', path: echo, args: ['a'] }, place)
  const script = ask()
  const text = readFileSync(script, 'utf8')
  for (const harm of [
    () => sweepWrappers(place.directory, { keep: new Set(), now: later }),
    () => writeFileSync(script, '#!/bin/sh\necho evil\n'),
    () => chmodSync(script, 0o600),
    () => chmodSync(script, 0o777),
  ]) {
    harm()
    assert.equal(ask(), script)
    assert.equal(readFileSync(script, 'utf8'), text)
    assert.equal(statSync(script).mode & 0o777, 0o700)
  }
  assert.deepEqual(readdirSync(place.directory), [basename(script)])
})

test('[F] 2.5 old scripts stay while they are used, and go when they are not', () => {
  const place = { directory: anew(), uid }
  const [used, unused, current] = ['1', '2', '3'].map((arg) =>
    wrapperFor({ name: 'x', path: echo, args: [arg] }, place),
  )
  assert.ok(used && unused && current)
  writeFileSync(join(place.directory, 'x.0123456789abcdef.k3jf'), 'half')
  writeFileSync(join(place.directory, 'notes.txt'), 'not ours')
  const keep = new Set([used, current])
  assert.deepEqual(sweepWrappers(place.directory, { keep, now: Date.now() }).removed, [], 'all are young')
  utimesSync(unused, 0, 0)
  assert.deepEqual(sweepWrappers(place.directory, { keep, now: Date.now() }).removed, [unused])
  sweepWrappers(place.directory, { keep, now: later })
  assert.deepEqual(readdirSync(place.directory).sort(), [basename(used), basename(current), 'notes.txt'].sort())
})

test('[F] 2.5 a left-over that cannot be removed is told, and stops nothing', () => {
  const place = { directory: anew(), uid }
  const old = wrapperFor({ name: 'x', path: echo, args: ['old'] }, place)
  // A directory under the name of a script: rm without recursion fails on it, for root too.
  mkdirSync(join(place.directory, 'x.aaaaaaaaaaaaaaaa'))
  const answer = sweepWrappers(place.directory, { keep: new Set(), now: later })
  assert.deepEqual(answer, { removed: [old], failed: [join(place.directory, 'x.aaaaaaaaaaaaaaaa')] })
  assert.ok(existsSync(wrapperFor({ name: 'x', path: echo, args: ['new'] }, place)))
})

test('[F] 2.5 a script that cannot be written leaves nothing behind, and those that are there as they are', () => {
  const place = { directory: anew(), uid }
  const first = wrapperFor({ name: 'x', path: echo, args: ['1'] }, place)
  const before = readdirSync(place.directory)
  // The name of a script is taken by a directory, so no file can be put there.
  const probe = wrapperFor({ name: 'x', path: echo, args: ['2'] }, { directory: anew(), uid })
  mkdirSync(join(place.directory, basename(probe)))
  assert.throws(
    () => wrapperFor({ name: 'x', path: echo, args: ['2'] }, place),
    (error: Error) => isRuntimeError(error, 'runtime-wrapper') && /is a directory/.test(error.message),
  )
  assert.deepEqual(readdirSync(place.directory).sort(), [...before, basename(probe)].sort())
  assert.equal(wrapperFor({ name: 'x', path: echo, args: ['1'] }, place), first)
})

test('a directory that others may write to, or a link, is refused', () => {
  const open = anew()
  mkdirSync(open)
  chmodSync(open, 0o777)
  const link = anew()
  symlinkSync(open, link)
  for (const place of [open, link]) {
    assert.throws(
      () => wrapperFor({ name: 'x', path: echo, args: ['1'] }, { directory: place, uid }),
      (error: Error) =>
        isRuntimeError(error, 'runtime-wrapper') && /other users have rights|symbolic link/.test(error.message),
    )
  }
  assert.deepEqual(readdirSync(open), [])
})
