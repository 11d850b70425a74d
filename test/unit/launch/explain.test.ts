// Every op, every errno: the four parts are there, and the words that callers match are only where they belong.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { catalogue } from '../../../src/base/catalogue.ts'
import type { Op, OpName } from '../../../src/kernel/plan.ts'
import { type ArgumentKind, opShapes } from '../../../src/kernel/plan-def.ts'
import { explain } from '../../../src/launch/explain.ts'
import { aHost, nestedRoot, noSubIds, realRoot } from '../host/literal.ts'

const errnos =
  'EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT EBUSY EEXIST EXDEV ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ETXTBSY EFBIG ENOSPC EROFS EMLINK EPIPE ERANGE ENAMETOOLONG ENOSYS ELOOP EPROTO EUSERS EOPNOTSUPP ECONNRESET ETIMEDOUT ESTALE EDQUOT ELIBBAD 0 1234'.split(
    ' ',
  )

const lsm = { apparmor: true, selinux: true, selinuxEnforcing: true, landlock: false, label: 'profile (enforce)' }
const hosts = {
  'a user': aHost(),
  'a user with nothing': aHost({
    subIds: noSubIds,
    newuidmap: undefined,
    rlimits: {},
    mounts: [],
    maxUserNamespaces: undefined,
    freshProc: false,
    freshSysfs: false,
    userName: undefined,
    home: undefined,
  }),
  'a user in a filter': aHost({ seccomp: 2, chrooted: true, lsm }),
  'root in a namespace': nestedRoot({ apparmorRestrictsUserns: true }),
  'real root': realRoot({ hasUserNamespaces: false }),
}

const samples: Readonly<Record<ArgumentKind, unknown>> = { U64: 7n, STR: 'sample', LIST: ['4', '5'] }

/** An op with plausible arguments, made from its shape. */
function sample(name: OpName): Op {
  const args = opShapes[name].args.map(([arg, kind]) => [arg, samples[kind]])
  return { op: name, origin: '/the/origin', ...Object.fromEntries(args) } as Op
}

const names = Object.keys(opShapes) as OpName[]

for (const name of names) {
  test(`a failed ${name} always has what, why, fix and origin`, () => {
    for (const [who, host] of Object.entries(hosts)) {
      for (const errno of errnos) {
        const error = explain({ op: sample(name), errno }, host)
        const about = `${name} ${errno} by ${who}: ${error.message}`
        assert.ok(error.what.length > 5, about)
        assert.ok((error.why ?? '').length > 5, about)
        assert.ok((error.fix ?? '').length > 5, about)
        assert.equal(error.origin, '/the/origin', about)
        assert.ok(error.code in catalogue, about)
        assert.doesNotMatch(error.message, /undefined|NaN|\[object/, about)
      }
    }
  })
}

test('a hint never has the words by which callers classify errors', () => {
  const matched =
    /no such file or directory|permission denied|operation not permitted|executable file not found|does not exist|already exists|not running|no such process|already finished/i
  for (const name of names) {
    for (const errno of errnos) {
      for (const host of Object.values(hosts)) {
        const { why, fix } = explain({ op: sample(name), errno }, host)
        assert.doesNotMatch(`${why}; ${fix}`, matched, `${name} ${errno}`)
      }
    }
  }
})

test('the errno is kept for programs, and said in words', () => {
  const error = explain({ op: sample('session'), errno: 'ENOMEM' }, aHost())
  assert.equal(error.errno, 'ENOMEM')
  assert.match(error.message, /^cannot start a session \(setsid\): cannot allocate memory \(\/the\/origin\); cause: /)
})

test("init's own words stand between what was tried and the errno", () => {
  const error = explain({ op: sample('session'), errno: 'EIO', detail: 'half of it\n' }, aHost())
  assert.match(error.message, /^cannot start a session \(setsid\): half of it: EIO \(/)
})

test('subordinate ids are not looked up for failures that have nothing to do with them', () => {
  const host = aHost()
  Object.defineProperty(host, 'subIds', { get: () => assert.fail('getsubids costs a process') })
  assert.equal(explain({ op: sample('lookup'), errno: 'ENOENT' }, host).code, 'exec-not-found')
})

test('a mount that fails names source and target first, as callers expect', () => {
  const op: Op = {
    op: 'mount',
    fstype: 'tmpfs',
    source: '',
    target: 'dev',
    flags: 0,
    data: '',
    nofollow: 0,
    origin: '/mounts/1',
  }
  for (const errno of errnos)
    assert.match(explain({ op, errno }, aHost()).message, /^error mounting "tmpfs" to rootfs at "\/dev"/)
})

test('a program that is not found is said in the words that callers match', () => {
  const op: Op = { op: 'lookup', file: 'nope', search: '/bin', origin: '/process/args/0' }
  assert.match(explain({ op, errno: 'ENOENT' }, aHost()).message, /^exec: "nope": executable file not found in \$PATH/)
  const path: Op = { ...op, file: '/nope' }
  assert.match(
    explain({ op: path, errno: 'ENOENT' }, aHost()).message,
    /^exec: "\/nope": stat \/nope: no such file or directory/,
  )
  assert.match(explain({ op: path, errno: 'EACCES' }, aHost()).message, /^exec: "\/nope": permission denied/)
})
