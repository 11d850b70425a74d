// Where state lives: the chain of places, what makes one unfit, and what is made on disk.
import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { RuntimeError } from '../../../src/base/errors.ts'
import { hostId } from '../../../src/base/ids.ts'
import type { Host } from '../../../src/host/facts.ts'
import {
  cachePath,
  chooseStateRoot,
  ensureStateRoot,
  type StateRootOptions,
  stateRoot,
} from '../../../src/state/paths.ts'
import { aHost, nestedRoot, realRoot } from '../host/literal.ts'

const directory = mkdtempSync(join(tmpdir(), 'usnea-state-'))
after(() => rmSync(directory, { recursive: true }))

/** Who really runs the tests owns the directories, so the host plays that user. */
const uid = process.geteuid?.() ?? 0
const me = (differences: Partial<Host> = {}): Host =>
  aHost({ uid: hostId(uid), rootlessEuid: true, realRoot: false, env: {}, ...differences })

/** A machine of its own below a new directory. Root would always find /run: without `run` it is a file there. */
function places(run: 'with /run' | 'without /run' = 'without /run') {
  const top = mkdtempSync(join(directory, 'm-'))
  const found = { system: join(top, 'run'), users: join(top, 'users'), shared: join(top, 'tmp') }
  mkdirSync(found.users)
  mkdirSync(found.shared)
  chmodSync(found.shared, 0o1777)
  if (run === 'with /run') mkdirSync(found.system)
  else writeFileSync(found.system, '')
  return found
}

function runtimeDirectory(mode = 0o700): string {
  const path = mkdtempSync(join(directory, 'xdg-'))
  chmodSync(path, mode)
  return path
}

const mode = (path: string): string => (statSync(path).mode & 0o7777).toString(8)

function refusal(host: Host, options: StateRootOptions): RuntimeError {
  try {
    stateRoot(host, options)
  } catch (failure) {
    if (failure instanceof RuntimeError) return failure
    throw failure
  }
  return assert.fail('expected a refusal')
}

test('--root is made absolute once, against the directory of the call', () => {
  const host = aHost({ cwd: '/srv/here' })
  assert.deepEqual(chooseStateRoot(host, { root: 'state/../s' }), {
    path: '/srv/here/s',
    warnings: [],
    source: 'option',
  })
  assert.equal(chooseStateRoot(host, { env: { USNEA_ROOT: '/x' } }).path, '/x')
  assert.equal(chooseStateRoot(host, { root: '/y', env: { USNEA_ROOT: '/x' } }).path, '/y')
})

test('the root directory itself is refused', () => {
  for (const root of ['/', '//', '/x/..', '../../..']) {
    const error = refusal(aHost({ cwd: '/a/b' }), { root })
    assert.equal(error.what, 'Option --root argument should not be set to /')
  }
})

test('real root keeps to /run and does not look at XDG_RUNTIME_DIR', () => {
  const where = places('with /run')
  const chosen = chooseStateRoot(realRoot(), { env: { XDG_RUNTIME_DIR: runtimeDirectory() }, places: where })
  assert.deepEqual(chosen, { path: join(where.system, 'usnea'), warnings: [], source: 'system' })
})

test('a user gets a directory of his own below XDG_RUNTIME_DIR, sticky and 0700', () => {
  const xdg = runtimeDirectory()
  const { path, warnings } = stateRoot(me(), { env: { XDG_RUNTIME_DIR: xdg }, places: places() })
  assert.equal(path, join(xdg, 'usnea'))
  assert.deepEqual(warnings, [])
  assert.equal(mode(path), '1700')
  assert.equal(mode(xdg), '700', 'the directory of the user is not changed')
})

test('choosing makes nothing', () => {
  const xdg = runtimeDirectory()
  const { path } = chooseStateRoot(me(), { env: { XDG_RUNTIME_DIR: xdg }, places: places() })
  assert.equal(existsSync(path), false)
})

test('a directory that was there before keeps its mode', () => {
  const xdg = runtimeDirectory()
  mkdirSync(join(xdg, 'usnea'), { mode: 0o750 })
  const { path } = stateRoot(me(), { env: { XDG_RUNTIME_DIR: xdg }, places: places() })
  assert.equal(mode(path), '750')
})

test('root in a user namespace uses XDG_RUNTIME_DIR unless its name is root', () => {
  const xdg = runtimeDirectory()
  const host = nestedRoot({ uid: hostId(uid) })
  const chosen = chooseStateRoot(host, { env: { XDG_RUNTIME_DIR: xdg, USER: 'alice' }, places: places() })
  assert.equal(chosen.path, join(xdg, 'usnea'))
  const asRoot = chooseStateRoot(nestedRoot(), {
    env: { XDG_RUNTIME_DIR: xdg, USER: 'root' },
    places: places('with /run'),
  })
  assert.equal(asRoot.source, 'system')
})

test('a runtime directory of another user is skipped with a warning that names su and sudo', () => {
  const where = places()
  const xdg = runtimeDirectory()
  const other = hostId(uid + 1)
  const host = me({ uid: other })
  const own = join(where.shared, `usnea-${other}`)
  const chosen = chooseStateRoot(host, { env: { XDG_RUNTIME_DIR: xdg }, places: where })
  assert.equal(chosen.path, own)
  assert.deepEqual(chosen.warnings, [
    `XDG_RUNTIME_DIR is not used: ${xdg}: it belongs to user ${uid} and we are user ${other} (su and sudo -u pass it on from another user)`,
  ])
})

const unfit: readonly [string, () => string, RegExp][] = [
  ['open to others', () => runtimeDirectory(0o770), /other users can write to it \(mode 0770\)/],
  ['missing', () => join(directory, 'missing'), /it is missing/],
  ['relative', () => 'run/user/1000', /it is not an absolute path/],
  ['a file', () => join(writeIn(runtimeDirectory()), 'file'), /it is not a directory/],
  ['with a link in our place', () => linkIn(runtimeDirectory()), /usnea in it: it is a symbolic link/],
]

function writeIn(path: string): string {
  writeFileSync(join(path, 'file'), '')
  return path
}

function linkIn(path: string): string {
  symlinkSync('/tmp', join(path, 'usnea'))
  return path
}

for (const [name, make, words] of unfit) {
  test(`a runtime directory that is ${name} is skipped with a warning`, () => {
    const where = places()
    const { path, warnings } = stateRoot(me(), { env: { XDG_RUNTIME_DIR: make() }, places: where })
    assert.equal(path, join(where.shared, `usnea-${uid}`))
    assert.match(warnings.join(), words)
    assert.doesNotMatch(warnings.join(), /sudo/)
  })
}

test('without the variable /run/user/UID is used when it is ours', () => {
  const where = places()
  mkdirSync(join(where.users, '4711'), { mode: 0o700 })
  mkdirSync(join(where.users, String(uid)), { mode: 0o700 })
  const chosen = chooseStateRoot(me(), { env: {}, places: where })
  assert.deepEqual(chosen, { path: join(where.users, String(uid), 'usnea'), warnings: [], source: 'runtime' })
})

test('inside a user namespace the login directory has the name of the user outside', () => {
  const where = places()
  mkdirSync(join(where.users, '1000'), { mode: 0o700 })
  const map = [{ inner: uid, outer: 1000, size: 1 }]
  const host = me({ inUserNamespace: true, uidMap: map, uid: hostId(uid) })
  const chosen = chooseStateRoot(host, { env: {}, places: where })
  assert.equal(chosen.path, join(where.users, '1000', 'usnea'))
})

test('the last place is a private directory in /tmp', () => {
  const where = places()
  const { path } = stateRoot(me({ uid: hostId(uid) }), { env: {}, places: where })
  assert.equal(path, join(where.shared, `usnea-${uid}`))
  assert.equal(mode(path), '700')
})

test('a planted directory or link in /tmp is not used, and every place is listed with its reason', () => {
  const plants: readonly [(path: string) => void, RegExp][] = [
    [(path) => symlinkSync(directory, path), /it is a symbolic link/],
    [(path) => writeFileSync(path, ''), /it is not a directory/],
    [(path) => mkdirSync(path, { mode: 0o755 }), /other users have rights on it \(mode 0755\)/],
  ]
  for (const [plant, words] of plants) {
    const where = places()
    plant(join(where.shared, `usnea-${uid}`))
    const error = refusal(me(), { env: {}, places: where })
    assert.match(error.details.join(), words)
    assert.match(error.details.join(), new RegExp(`${where.users}/${uid}: it is missing`))
    assert.ok(error.fix)
  }
})

test('/tmp without the sticky bit is not trusted', () => {
  const where = places()
  chmodSync(where.shared, 0o777)
  const error = refusal(me(), { env: {}, places: where })
  assert.match(error.details.join(), /has no sticky bit/)
})

test('the error says whether the variable is missing, foreign, or only unfit', () => {
  const where = { system: join(directory, 'x/y'), users: join(directory, 'no'), shared: join(directory, 'none') }
  const stranger = me({ uid: hostId(uid + 1) })
  const code = (env: Host['env']) => refusal(stranger, { env, places: where }).code
  assert.equal(code({}), 'xdg-missing')
  assert.equal(code({ XDG_RUNTIME_DIR: runtimeDirectory() }), 'xdg-owner')
  assert.equal(code({ XDG_RUNTIME_DIR: 'relative' }), 'root-unusable')
  const error = refusal(stranger, { env: {}, places: where })
  assert.equal(
    error.message,
    `no runtime directory was found for this user: ${where.users}/${uid + 1}: it is missing; ${where.shared}/usnea-${uid + 1}: it is missing (--root); cause: XDG_RUNTIME_DIR is not set, and no other place will do; fix: log in through a session (ssh, machinectl), or set XDG_RUNTIME_DIR to a directory of yours with mode 0700, or pass --root DIR`,
  )
})

test('a directory that is planted between the look and the making is noticed', () => {
  const where = places()
  const chosen = chooseStateRoot(me(), { env: {}, places: where })
  symlinkSync(directory, chosen.path)
  assert.throws(() => ensureStateRoot(chosen, me()), { code: 'root-unusable', message: /it is a symbolic link/ })
})

test('--root is made with all its parents, never sticky, and a file in the way is an error', () => {
  const top = mkdtempSync(join(directory, 'root-'))
  const { path } = stateRoot(me(), { root: join(top, 'a/b') })
  assert.equal(mode(path), '700')
  chmodSync(path, 0o711)
  stateRoot(me(), { root: path })
  assert.equal(mode(path), '711', 'what the user made is not changed')
  writeFileSync(join(top, 'file'), '')
  const error = refusal(me(), { root: join(top, 'file/b') })
  assert.equal(error.code, 'root-unusable')
  assert.equal(error.origin, '--root')
  assert.match(error.message, /not a directory/)
})

test('the cache lies below the cache home of the user', async () => {
  assert.match((await cachePath()) ?? '', /\/usnea$/)
})
