/** The filter of a sandbox, asked as the kernel would ask it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { abis, syscallNumber } from '../../../src/linux/seccomp/abi.ts'
import { programText } from '../../../src/linux/seccomp/bpf.ts'
import { compileFilter } from '../../../src/linux/seccomp/compile.ts'
import { type CallPolicy, callProfile } from '../../../src/sandbox/system-calls.ts'
import { machine } from '../../fixtures/bpf.ts'

const usual: CallPolicy = {
  nested: false,
  withoutNamespaces: false,
  network: true,
  onlyTcp: false,
  accepted: new Set(),
}

const ALLOW = 0x7fff_0000
const errno = (number: number) => 0x0005_0000 + number

function asked(policy: Partial<CallPolicy>) {
  const text = programText(compileFilter(callProfile({ ...usual, ...policy }), 'x64').program)
  const ask = machine(Buffer.from(text, 'hex'))
  return (name: string, ...args: (number | bigint)[]) =>
    ask({
      arch: abis.x86_64.audit,
      number: syscallNumber(name, 'x86_64') ?? assert.fail(name),
      args: args.map((arg) => BigInt.asUintN(64, BigInt(arg))),
    })
}

test('every name of the filter is a system call', () => {
  for (const policy of [usual, { ...usual, withoutNamespaces: true }, { ...usual, onlyTcp: true }])
    assert.deepEqual(compileFilter(callProfile(policy), 'x64').unknown, [])
})

test('what programs do stays open', () => {
  const call = asked({})
  for (const name of [
    'read',
    'openat',
    'execve',
    'ptrace',
    'seccomp',
    'landlock_create_ruleset',
    'setsid',
    'chmod',
    'memfd_create',
  ])
    assert.equal(call(name), ALLOW, name)
  assert.equal(call('clone', 17), ALLOW)
  assert.equal(call('clone', 0x003d_0f00), ALLOW) // a thread
  assert.equal(call('unshare', 0x400), ALLOW) // CLONE_FILES
  for (const family of [1, 2, 10, 16]) assert.equal(call('socket', family, 1, 0), ALLOW)
  assert.equal(call('ioctl', 0, 0x5401), ALLOW)
})

test('keys, programs of the kernel and odd sockets are refused', () => {
  const call = asked({})
  for (const name of ['keyctl', 'add_key', 'request_key', 'bpf', 'io_uring_setup', 'userfaultfd', 'open_by_handle_at'])
    assert.equal(call(name), errno(1), name)
  for (const family of [3, 15, 38, 40, 44])
    for (const name of ['socket', 'socketpair']) assert.equal(call(name, family, 1, 0), errno(97), `${family}`)
})

test('what the kernel does not look at hides nothing: the upper half of a request', () => {
  const call = asked({})
  for (const upper of [0n, 1n << 32n, 0xffff_ffffn << 32n]) {
    assert.equal(call('ioctl', 0, 0x5412n | upper), errno(1))
    assert.equal(call('socket', 15n | upper), errno(97))
    assert.equal(call('unshare', 0x1000_0000n | upper), errno(1))
  }
})

test('the group that a command shares with its caller is reached by the number 0, and so by nothing', () => {
  const shared = asked({ sharesGroup: true })
  for (const upper of [0n, 1n << 32n]) assert.equal(shared('kill', upper, 9), errno(1))
  assert.equal(shared('setpriority', 1, 0, 5), errno(1))
  assert.equal(shared('ioprio_set', 2, 0, 5), errno(1))
  for (const pid of [1, -1, -5]) assert.equal(shared('kill', pid, 9), ALLOW)
  assert.equal(shared('setpriority', 0, 0, 5), ALLOW)
  assert.equal(asked({})('kill', 0, 9), ALLOW)
})

test('without namespaces the attributes of a file that is only read are not changed by ioctl either', () => {
  for (const request of [0x4008_6602, 0x4004_6602, 0x4008_7602, 0x401c_5820, 0x4080_6685]) {
    assert.equal(asked({ withoutNamespaces: true })('ioctl', 3, request), errno(1))
    assert.equal(asked({ withoutNamespaces: true, accepted: new Set(['metadata']) })('ioctl', 3, request), ALLOW)
    assert.equal(asked({})('ioctl', 3, request), ALLOW)
  }
})

test('namespaces are for nested ones; clone3 hides its flags, so a libc is sent to clone', () => {
  const call = asked({})
  for (const bit of [17, 25, 26, 27, 28, 29, 30]) {
    assert.equal(call('clone', 2 ** bit + 17), errno(1))
    assert.equal(call('unshare', 2 ** bit), errno(1))
  }
  assert.equal(call('unshare', 0x80), errno(1))
  assert.equal(call('clone3'), errno(38))
  assert.equal(call('mount'), errno(1))
  const nested = asked({ nested: true })
  assert.deepEqual([nested('clone3'), nested('unshare', 0x1000_0000), nested('mount')], [ALLOW, ALLOW, ALLOW])
  assert.equal(nested('keyctl'), errno(1))
})

test('other ways to call the kernel are closed, or named', () => {
  const ask = (accepted: CallPolicy['accepted'], arch: number, number: number) =>
    machine(Buffer.from(programText(compileFilter(callProfile({ ...usual, accepted }), 'x64').program), 'hex'))({
      arch,
      number,
    })
  const old = abis.i386.audit
  assert.equal(ask(new Set(), old, 20), 0)
  assert.equal(ask(new Set(['32-bit']), old, 20), ALLOW)
  assert.equal(ask(new Set(['32-bit']), old, 288), errno(1)) // keyctl of i386
  assert.equal(ask(new Set(), abis.x86_64.audit, 0x4000_0000 + 39), 0) // x32
})

test('level L: one group, no sockets, no attributes, no limits of others', () => {
  const call = asked({ withoutNamespaces: true, network: false })
  assert.equal(call('setsid'), errno(0))
  for (const family of [1, 2, 10, 16, 17]) assert.equal(call('socket', family, 1, 0), errno(97))
  for (const kind of [1, 5, 1 | 0o2000000]) assert.equal(call('socketpair', 1, kind, 0), ALLOW)
  for (const kind of [2, 3, 2 | 0o2000000]) assert.equal(call('socketpair', 1, kind, 0), errno(97))
  assert.equal(call('fchmodat'), errno(1))
  const [SETFLAGS, ENABLE_VERITY, SNAP_DESTROY, GETFLAGS] = [0x4008_6602, 0x4080_6685, 0x5000_940f, 0x8008_6601]
  for (const request of [SETFLAGS, ENABLE_VERITY, SNAP_DESTROY]) assert.equal(call('ioctl', 3, request), errno(1))
  assert.equal(call('ioctl', 3, GETFLAGS), ALLOW)
  assert.deepEqual([call('sched_setaffinity', 0), call('sched_setaffinity', 4711)], [ALLOW, errno(1)])
  assert.equal(call('prlimit64', 0, 7, 1), ALLOW)
  assert.equal(call('prlimit64', 4711, 7, 0), ALLOW)
  assert.equal(call('prlimit64', 4711, 7, 1), errno(1))
  const accepting = asked({ withoutNamespaces: true, network: false, accepted: new Set(['metadata', 'unix-sockets']) })
  assert.deepEqual([accepting('fchmodat'), accepting('socket', 1, 1, 0)], [ALLOW, ALLOW])
  assert.deepEqual([accepting('ioctl', 3, SETFLAGS), accepting('ioctl', 3, SNAP_DESTROY)], [ALLOW, errno(1)])
})

test('with TCP ports there is TCP and nothing that goes past them', () => {
  const call = asked({ onlyTcp: true })
  const [STREAM, DGRAM, RAW, CLOEXEC] = [1, 2, 3, 0o2000000]
  for (const family of [2, 10]) {
    for (const protocol of [0, 6]) assert.equal(call('socket', family, STREAM | CLOEXEC, protocol), ALLOW)
    assert.equal(call('socket', family, DGRAM, 0), errno(97))
    assert.equal(call('socket', family, RAW | CLOEXEC, 1), errno(97))
    for (const protocol of [132, 136, 262]) assert.equal(call('socket', family, STREAM, protocol), errno(97)) // SCTP, MPTCP
  }
  assert.equal(call('sendto', 3, 0, 0, 0x2000_0000), errno(1)) // MSG_FASTOPEN
  assert.equal(call('sendto', 3, 0, 0, 0x4000), ALLOW)
  assert.equal(call('socket', 1, STREAM, 0), ALLOW)
})
