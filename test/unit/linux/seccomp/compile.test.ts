import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { abis } from '../../../../src/linux/seccomp/abi.ts'
import { branch, give, JEQ, MAX_INSTRUCTIONS, programText } from '../../../../src/linux/seccomp/bpf.ts'
import { compileFilter } from '../../../../src/linux/seccomp/compile.ts'
import type { Seccomp, SyscallArgument } from '../../../../src/spec/types.ts'
import { machine } from '../../../fixtures/bpf.ts'

const ALLOW = 0x7fff0000
const EPERM = 0x00050001
const ENOSYS = 0x00050026
const KILL = 0
const X86_64 = abis.x86_64.audit
const I386 = abis.i386.audit
const X32 = 0x40000000

const filter = (seccomp: Seccomp, arch: 'x64' | 'arm64' = 'x64') =>
  machine(Buffer.from(programText(compileFilter(seccomp, arch).program), 'hex'))

const refusing = (names: readonly string[], more: Partial<Seccomp> = {}): Seccomp => ({
  defaultAction: 'SCMP_ACT_ERRNO',
  syscalls: [{ names, action: 'SCMP_ACT_ALLOW' }],
  ...more,
})

const withArgs = (...args: SyscallArgument[]): Seccomp => ({
  defaultAction: 'SCMP_ACT_ALLOW',
  syscalls: [{ names: ['read'], action: 'SCMP_ACT_ERRNO', args }],
})

/** Is read(2) with this first argument refused? */
const refuses = (seccomp: Seccomp, ...args: bigint[]) => filter(seccomp)({ arch: X86_64, number: 0, args }) === EPERM

describe('a compiled filter', () => {
  it('allows what is named, and refuses the rest up to the newest of them', () => {
    const run = filter(refusing(['read', 'openat2']))
    assert.equal(run({ arch: X86_64, number: 0 }), ALLOW)
    assert.equal(run({ arch: X86_64, number: 1 }), EPERM)
    assert.equal(run({ arch: X86_64, number: 436 }), EPERM)
    assert.equal(run({ arch: X86_64, number: 437 }), ALLOW)
  })

  it('answers ENOSYS to calls newer than the profile, but only where the rest is refused', () => {
    const newer = { arch: X86_64, number: 438 }
    assert.equal(filter(refusing(['openat2']))(newer), ENOSYS)
    assert.equal(filter(refusing(['openat2'], { defaultAction: 'SCMP_ACT_KILL' }))(newer), ENOSYS)
    assert.equal(filter(refusing(['openat2'], { defaultAction: 'SCMP_ACT_LOG' }))(newer), 0x7ffc0000)
    assert.equal(filter({ defaultAction: 'SCMP_ACT_ERRNO' })(newer), EPERM)
  })

  it('kills calls by a way that the profile does not name, even where everything is allowed', () => {
    const run = filter({ defaultAction: 'SCMP_ACT_ALLOW' })
    assert.equal(run({ arch: X86_64, number: 1 }), ALLOW)
    assert.equal(run({ arch: I386, number: 1 }), KILL)
    assert.equal(run({ arch: X86_64, number: X32 + 1 }), KILL)
    assert.equal(run({ arch: 0x12345678, number: 1 }), KILL)
  })

  it('does not kill -1, which a tracer says to skip a call', () => {
    assert.equal(filter({ defaultAction: 'SCMP_ACT_ALLOW' })({ arch: X86_64, number: -1 }), ALLOW)
  })

  it('knows the numbers of every way', () => {
    const architectures = ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32']
    const run = filter(refusing(['execve', 'clone3'], { architectures }))
    assert.equal(run({ arch: X86_64, number: 59 }), ALLOW)
    assert.equal(run({ arch: I386, number: 11 }), ALLOW)
    assert.equal(run({ arch: I386, number: 59 }), EPERM)
    assert.equal(run({ arch: X86_64, number: X32 + 520 }), ALLOW)
    assert.equal(run({ arch: X86_64, number: X32 + 59 }), EPERM)
    const arm = filter(refusing(['execve', 'set_tls'], { architectures: ['SCMP_ARCH_ARM'] }), 'arm64')
    assert.equal(arm({ arch: abis.arm64.audit, number: 221 }), ALLOW)
    assert.equal(arm({ arch: abis.arm.audit, number: 11 }), ALLOW)
    assert.equal(arm({ arch: abis.arm.audit, number: 0xf0005 }), ALLOW)
    assert.equal(arm({ arch: abis.arm.audit, number: 500 }), ENOSYS)
  })

  it('compares all 64 bits of an argument', () => {
    const value = 0x1_0000_0005
    const around = [5n, 0x1_0000_0004n, 0x1_0000_0005n, 0x1_0000_0006n, 0x2_0000_0005n]
    const holds = (op: SyscallArgument['op']) => around.map((arg) => refuses(withArgs({ index: 0, value, op }), arg))
    assert.deepEqual(holds('SCMP_CMP_EQ'), [false, false, true, false, false])
    assert.deepEqual(holds('SCMP_CMP_NE'), [true, true, false, true, true])
    assert.deepEqual(holds('SCMP_CMP_LT'), [true, true, false, false, false])
    assert.deepEqual(holds('SCMP_CMP_LE'), [true, true, true, false, false])
    assert.deepEqual(holds('SCMP_CMP_GT'), [false, false, false, true, true])
    assert.deepEqual(holds('SCMP_CMP_GE'), [false, false, true, true, true])
  })

  it('compares behind a mask', () => {
    const masked = withArgs({ index: 0, value: 0xff00_0000_00f0, valueTwo: 0x2200_0000_0010, op: 'SCMP_CMP_MASKED_EQ' })
    assert.ok(refuses(masked, 0x2200_0000_0010n))
    assert.ok(refuses(masked, 0x1_22ff_ffff_ff1fn))
    assert.ok(!refuses(masked, 0x2200_0000_0020n))
    assert.ok(!refuses(masked, 0x2300_0000_0010n))
  })

  it('wants all conditions of a rule, but one of those on the same argument', () => {
    const both = withArgs({ index: 0, value: 1, op: 'SCMP_CMP_EQ' }, { index: 1, value: 2, op: 'SCMP_CMP_EQ' })
    assert.deepEqual([refuses(both, 1n, 2n), refuses(both, 1n, 3n), refuses(both, 0n, 2n)], [true, false, false])
    const either = withArgs({ index: 0, value: 1, op: 'SCMP_CMP_EQ' }, { index: 0, value: 9, op: 'SCMP_CMP_EQ' })
    assert.deepEqual([refuses(either, 1n), refuses(either, 9n), refuses(either, 2n)], [true, true, false])
  })

  it('lets the first rule without conditions win over all others of a call', () => {
    const args = [{ index: 0, value: 1, op: 'SCMP_CMP_EQ' }] as const
    const run = filter({
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [
        { names: ['read'], action: 'SCMP_ACT_KILL_PROCESS', args },
        { names: ['read'], action: 'SCMP_ACT_ERRNO' },
        { names: ['read'], action: 'SCMP_ACT_TRAP' },
      ],
    })
    assert.equal(run({ arch: X86_64, number: 0, args: [1n] }), EPERM)
  })

  it('reaches the calls of i386 that go through socketcall', () => {
    const run = filter(refusing(['connect', 'socketcallx'], { architectures: ['SCMP_ARCH_X86'] }))
    assert.equal(run({ arch: I386, number: 102, args: [3n] }), ALLOW)
    assert.equal(run({ arch: I386, number: 102, args: [1n] }), EPERM)
    assert.equal(run({ arch: I386, number: 362 }), ALLOW)
  })

  it('names what it does not know', () => {
    assert.deepEqual(compileFilter(refusing(['read', 'nonsense', 'chown32']), 'x64').unknown, ['nonsense'])
    const inherited = ['__proto__', 'constructor', 'toString']
    const architectures = ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86']
    assert.deepEqual(compileFilter(refusing(inherited, { architectures }), 'x64').unknown, inherited)
  })

  it('stays small for a long list without conditions', () => {
    const names = ['read', 'write', 'open', 'close', 'stat', 'fstat', 'lstat', 'poll']
    assert.ok(compileFilter(refusing(names), 'x64').program.length < 16)
  })
})

describe('a branch', () => {
  it('reaches over more than 255 instructions', () => {
    const otherwise = Array.from({ length: 300 }, () => give(1))
    const program = [{ code: 0x20, jt: 0, jf: 0, k: 0 }, ...branch(JEQ, 7, { matching: [give(2)], otherwise })]
    const run = machine(Buffer.from(programText(program), 'hex'))
    assert.equal(run({ arch: 0, number: 7 }), 2)
    assert.equal(run({ arch: 0, number: 8 }), 1)
    assert.ok(program.length < MAX_INSTRUCTIONS)
  })
})
