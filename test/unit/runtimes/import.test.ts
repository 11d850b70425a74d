// Runtimes of docker's daemon.json become ours: all of them or none, and nothing that stood in config.toml is changed.
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { parse } from 'smol-toml'
import { isRuntimeError } from '../../../src/base/errors.ts'
import { hostId } from '../../../src/base/ids.ts'
import { planImport } from '../../../src/runtimes/import.ts'
import { aHost } from '../host/literal.ts'
import { directory, facts, uid } from './place.ts'

function plan(docker: unknown, config?: string) {
  const place = mkdtempSync(join(directory, 'import-'))
  const [from, to] = [join(place, 'daemon.json'), join(place, 'new/config.toml')]
  writeFileSync(from, typeof docker === 'string' ? docker : JSON.stringify(docker))
  const target = config === undefined ? to : join(place, 'config.toml')
  if (config !== undefined) writeFileSync(target, config, { mode: 0o640 })
  return { to: target, ...planImport({ from, to: target, host: aHost({ uid: hostId(uid), env: {} }), facts }) }
}

const docker = {
  'log-driver': 'json-file',
  'default-runtime': 'Crun',
  runtimes: {
    Crun: { path: 'crun', runtimeArgs: ['--log', '/a b', "it's"] },
    runsc: { path: '/usr/bin/runsc', runtimeArgs: [] },
    'my/kata.v2': {
      runtimeType: 'io.containerd.kata.v2',
      options: { ConfigPath: '/k', deep: { n: [1, null] }, none: null },
    },
  },
}

test('into a file that is not there yet', () => {
  const done = plan(docker)
  assert.deepEqual(done.added, ['Crun', 'runsc', 'my/kata.v2'])
  assert.equal(done.defaultName, 'Crun')
  assert.equal(existsSync(done.to), false)
  done.write()
  assert.deepEqual(parse(readFileSync(done.to, 'utf8')), parse(done.text))
  assert.deepEqual(JSON.parse(JSON.stringify(parse(done.text))), {
    'default-runtime': 'Crun',
    runtimes: {
      Crun: { path: 'crun', args: ['--log', '/a b', "it's"] },
      runsc: { path: '/usr/bin/runsc' },
      'my/kata.v2': { type: 'io.containerd.kata.v2', options: { ConfigPath: '/k', deep: { n: [1] } } },
    },
  })
})

const mine = '# mine\ndefault-runtime = "own"\n[runtimes.own]\npath = "own" # keep'

test('beside what stands there, which stays as it is, byte for byte', () => {
  const done = plan(docker, mine)
  assert.equal(done.defaultName, undefined, 'a default that was chosen stays')
  assert.ok(done.text.startsWith(`${mine}\n`))
  done.write()
  assert.equal(readFileSync(done.to, 'utf8'), done.text)
  assert.equal(statSync(done.to).mode & 0o777, 0o640)
})

test('a second import changes nothing', () => {
  const once = plan(docker)
  const again = plan(docker, once.text)
  assert.equal(again.text, once.text)
  assert.deepEqual([again.added, again.unchanged], [[], ['Crun', 'runsc', 'my/kata.v2']])
})

test("docker's own default is none of ours", () => {
  assert.equal(plan({ 'default-runtime': 'runc' }).defaultName, undefined)
  assert.equal(plan({}).text, '')
})

test('a link to the file stays a link', () => {
  const place = mkdtempSync(join(directory, 'import-'))
  const [from, real, link] = ['daemon.json', 'real.toml', 'link.toml'].map((name) => join(place, name))
  assert.ok(from && real && link)
  writeFileSync(from, JSON.stringify(docker))
  writeFileSync(real, '', { mode: 0o600 })
  symlinkSync(real, link)
  planImport({ from, to: link, host: aHost({ uid: hostId(uid), env: {} }), facts }).write()
  assert.match(readFileSync(real, 'utf8'), /runtimes\.Crun/)
})

const refusals: [name: string, docker: unknown, config: string | undefined, words: RegExp][] = [
  ['text that is no JSON', '{"runtimes":', undefined, /cannot be imported: it is not JSON/],
  ['a list', [], undefined, /it is no JSON object/],
  ['runtimes that are none', { runtimes: [] }, undefined, /runtimes is no object/],
  ['an entry that is none', { runtimes: { a: 'x' } }, undefined, /runtime a is no object/],
  ['an unknown key', { runtimes: { a: { path: 'x', cgroup: 1 } } }, undefined, /runtime a: unknown key "cgroup"/],
  [
    'path and type',
    { runtimes: { a: { path: 'x', runtimeType: 'a.b' } } },
    undefined,
    /cannot configure both path and type/,
  ],
  ['neither', { runtimes: { a: {} } }, undefined, /either a type or a path must be configured/],
  ['our name', { runtimes: { usnea: { path: 'x' } } }, undefined, /runtime name 'usnea' is reserved/],
  ['__proto__', '{"runtimes":{"__proto__":{"path":"x"}}}', undefined, /cannot be imported/],
  ['a relative path', { runtimes: { a: { path: './x' } } }, undefined, /path must be absolute/],
  ['a default that is not there', { 'default-runtime': 'nope' }, undefined, /default runtime 'nope' does not exist/],
  [
    'another runtime of that name',
    { runtimes: { a: { path: 'x' } } },
    '[runtimes.a]\npath = "y"\n',
    /has another runtime a/,
  ],
  [
    'runtimes on one line',
    { runtimes: { a: { path: 'x' } } },
    'runtimes = { b = { path = "y" } }\n',
    /cannot be imported: .*config\.toml:3:\d+: this is not TOML/,
  ],
]

for (const [name, source, config, words] of refusals) {
  test(`${name}: refused, and nothing is written`, () =>
    assert.throws(
      () => plan(source, config),
      (error: Error) => isRuntimeError(error) && words.test(error.message),
    ))
}

test('a file that is not there is told with its errno', () =>
  assert.throws(
    () => planImport({ from: '/nowhere.json', to: '/nowhere.toml', host: aHost({ uid: hostId(uid), env: {} }), facts }),
    /cannot read \/nowhere\.json: no such file/,
  ))

test('any arguments arrive as they are', () => {
  const args = fc.array(
    fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')),
    { minLength: 1 },
  )
  fc.assert(
    fc.property(args, (runtimeArgs) => {
      const { text } = plan({ runtimes: { a: { path: 'x', runtimeArgs } } })
      assert.deepEqual((parse(text) as { runtimes: { a: { args: string[] } } }).runtimes.a.args, runtimeArgs)
    }),
    { numRuns: 50 },
  )
})
