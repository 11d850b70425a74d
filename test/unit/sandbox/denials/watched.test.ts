/** The filter of a command that is watched lets nothing pass that the filter of the sandbox does not. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { abis, syscallName, syscallNumber } from '../../../../src/linux/seccomp/abi.ts'
import { programText } from '../../../../src/linux/seccomp/bpf.ts'
import { compileFilter } from '../../../../src/linux/seccomp/compile.ts'
import { observedProfile, watchedCalls } from '../../../../src/sandbox/denials/watched.ts'
import { type CallPolicy, callProfile } from '../../../../src/sandbox/system-calls.ts'
import { machine } from '../../../fixtures/bpf.ts'

const EBUSY = 16
const [ALLOW, NOTIFY, ERRNO, DATA] = [0x7fff_0000, 0x7fc0_0000, 0x0005_0000, 0xffff]
const usual: CallPolicy = {
  nested: false,
  withoutNamespaces: false,
  network: true,
  onlyTcp: false,
  accepted: new Set(),
}
const policies: readonly CallPolicy[] = [
  usual,
  { ...usual, nested: true },
  { ...usual, onlyTcp: true },
  { ...usual, withoutNamespaces: true, network: false },
  { ...usual, withoutNamespaces: true, onlyTcp: true, accepted: new Set(['metadata', 'unix-sockets']) },
  { ...usual, accepted: new Set(['32-bit']) },
]
/** Flags, families and requests that decide, alone and together, and what lies above 32 bits. */
const values = [0, 1, 2, 3, 4, 9, 10, 16, 17, 18, 0x80, 0x1000, 0x4000, 0x4800, 0x5412, 0x1000_0000, 0x2000_0000]
const wide = [...values.map(BigInt), 1n << 40n, (1n << 40n) | 2n, 0xffff_ffff_ffff_ffffn]

for (const arch of ['x64', 'arm64'] as const)
  test(`${arch}: what is refused is refused or waits, what is killed is killed, and nothing else changes`, () => {
    for (const policy of policies) {
      const program = (profile: ReturnType<typeof callProfile>) =>
        machine(Buffer.from(programText(compileFilter(profile, arch).program), 'hex'))
      const [fence, watched] = [program(callProfile(policy)), program(observedProfile(callProfile(policy)))]
      const ways = arch === 'x64' ? (['x86_64', 'x32', 'i386'] as const) : (['arm64', 'arm'] as const)
      for (const { audit, base } of ways.map((way) => abis[way]))
        for (let number = -1; number < 480; number++)
          for (const [place, value] of wide.entries()) {
            const other = wide[(place * 7 + number + 1) % wide.length] ?? 0n
            const call = { arch: audit, number: number + base, args: [value, other, value, other, value, other] }
            const [before, now] = [fence(call), watched(call)]
            if (before === now) continue
            if (now === (ERRNO | EBUSY)) {
              const way = ways.find((one) => abis[one].audit === audit && abis[one].base === base)
              assert.equal(way && syscallName(number, way), 'seccomp')
              assert.equal(other & 8n, 8n)
              continue
            }
            assert.equal(now, NOTIFY, `${audit} ${number} ${value}`)
            assert.ok(before === ALLOW || (before & ~DATA) === ERRNO, `${before} of ${number}`)
          }
    }
  })

test('every call that is watched is one, and each is told to the observer once', () => {
  const bytes = watchedCalls([], 'x64')
  const numbers = new Set<number>()
  for (let at = 0; at < bytes.length; at += 16) {
    assert.equal(bytes.readUInt32LE(at), abis.x86_64.audit)
    const number = bytes.readUInt32LE(at + 4)
    assert.ok(!numbers.has(number), String(number))
    numbers.add(number)
    assert.ok(bytes.readInt8(at + 8) >= 1 && bytes.readInt8(at + 8) <= 18)
  }
  for (const name of ['openat', 'connect', 'kill', 'execve', 'unlinkat', 'renameat2', 'statx'])
    assert.ok(numbers.has(syscallNumber(name, 'x86_64') ?? -1), name)
  assert.deepEqual(compileFilter(observedProfile(callProfile(usual)), 'x64').unknown, [])
  assert.equal(syscallName(257, 'x86_64'), 'openat')
})

test('a command can have no listener of its own, which would outlive the observer', () => {
  for (const policy of policies) {
    const text = programText(compileFilter(observedProfile(callProfile(policy)), 'x64').program)
    const ask = machine(Buffer.from(text, 'hex'))
    for (const abi of ['x86_64', ...(policy.accepted.has('32-bit') ? (['i386'] as const) : [])] as const)
      for (const flags of [8n, 9n, 12n, 0xffff_ffffn]) {
        const number = abis[abi].base + (syscallNumber('seccomp', abi) ?? -1)
        assert.equal(ask({ arch: abis[abi].audit, number, args: [1n, flags, 0n, 0n, 0n, 0n] }), ERRNO | EBUSY, abi)
      }
  }
})

test('what nobody can answer before an observer listens does not wait for one', () => {
  const text = programText(compileFilter(observedProfile(callProfile(usual)), 'x64').program)
  const ask = machine(Buffer.from(text, 'hex'))
  const call = (name: string, ...args: number[]) =>
    ask({ arch: abis.x86_64.audit, number: syscallNumber(name, 'x86_64') ?? -1, args: args.map(BigInt) })
  assert.equal(call('sendmsg', 4, 0, 0x4800), ALLOW)
  assert.equal(call('sendto', 3, 0, 0, 0x4000, 0, 0), ALLOW)
  for (const name of ['close', 'write', 'read', 'exit_group', 'recvfrom']) assert.equal(call(name, 3), ALLOW, name)
})
