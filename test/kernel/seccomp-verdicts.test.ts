// Needs gcc and libseccomp-dev: our filters answer every call as those that libseccomp makes of the same profile.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Abi, abis, syscallNumber } from '../../src/linux/seccomp/abi.ts'
import { programText } from '../../src/linux/seccomp/bpf.ts'
import { compileFilter } from '../../src/linux/seccomp/compile.ts'
import { isPermissive, NO_SUCH_CALL } from '../../src/linux/seccomp/verdict.ts'
import type { Seccomp, SyscallArgument, SyscallRule } from '../../src/spec/types.ts'
import { machine } from '../fixtures/bpf.ts'
import { engineProfile } from '../fixtures/engine-profile.ts'
import { libseccompProgram, unknownToLibseccomp, withoutLibseccomp } from '../fixtures/libseccomp.ts'

const skip = process.arch === 'x64' ? withoutLibseccomp() : 'needs x86-64'

const ways: readonly Abi[] = ['x86_64', 'i386', 'x32']
const architectures = ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32']

/** Ordinary calls, such as only one architecture has, and the multiplexed ones of i386. */
const names = [
  ...['read', 'write', 'open', 'close', 'clone', 'personality', 'ioctl', 'execve', 'clone3', 'openat2', 'close_range'],
  ...['socket', 'socketcall', 'connect', 'accept', 'send', 'recvmmsg', 'semop', 'shmget', 'semtimedop', 'ipc'],
  ...['stat64', 'chown32', '_llseek', 'arch_prctl', 'clock_gettime64', 'set_thread_area', 'rt_sigaction', 'nonsense'],
]

const action = fc.constantFrom(
  ...(['KILL', 'KILL_PROCESS', 'TRAP', 'ERRNO', 'TRACE', 'ALLOW', 'LOG'] as const).map(
    (name) => `SCMP_ACT_${name}` as const,
  ),
)
const operator = fc.constantFrom(
  ...(['NE', 'LT', 'LE', 'EQ', 'GE', 'GT', 'MASKED_EQ'] as const).map((name) => `SCMP_CMP_${name}` as const),
)
/** Around the places where a comparison of halves goes wrong. */
const values = [0, 1, 2, 16, 0x7fffffff, 0xffffffff, 0x100000000, 0x100000001, 0x1ffffffff, 2 ** 52, 2 ** 53 - 1]
const value = fc.constantFrom(...values)

const argument: fc.Arbitrary<SyscallArgument> = fc.record({
  index: fc.integer({ min: 0, max: 5 }),
  value,
  valueTwo: value,
  op: operator,
})

/** One rule with conditions of all kinds, each on an argument of its own. */
const conditional = fc
  .tuple(action, fc.uniqueArray(argument, { minLength: 1, maxLength: 4, selector: ({ index }) => index }))
  .map(([action, args]): Omit<SyscallRule, 'names'>[] => [{ action, args }])

/**
 * Several rules for a call. libseccomp merges them into one tree, which is sound only where they say the same of the
 * same argument: two comparisons with ranges can let a third value through (2.5.4). So these are equalities.
 */
const alternatives = fc
  .tuple(action, fc.integer({ min: 0, max: 5 }), fc.uniqueArray(value, { minLength: 2, maxLength: 4 }), fc.boolean())
  .map(([action, index, list, isOneRule]): Omit<SyscallRule, 'names'>[] => {
    const args = list.map((value) => ({ index, value, op: 'SCMP_CMP_EQ' as const }))
    return isOneRule ? [{ action, args }] : args.map((argument) => ({ action, args: [argument] }))
  })

const plain = fc.array(fc.record({ names: fc.subarray([...names], { minLength: 1, maxLength: 6 }), action: action }), {
  maxLength: 4,
})

/**
 * One action for all conditional rules of a call: where two rules overlap, libseccomp goes by the number of the argument
 * and not by their order. socketcall and ipc have the rules of other calls besides, so they get none of their own.
 */
const profile: fc.Arbitrary<Seccomp> = fc
  .record({
    defaultAction: action,
    architectures: fc.subarray(architectures),
    special: fc.dictionary(
      fc.constantFrom(...names.filter((name) => name !== 'ipc' && name !== 'socketcall')),
      fc.oneof(conditional, alternatives),
      { maxKeys: 6 },
    ),
    plain,
    turn: fc.nat(),
  })
  .map(({ special, plain, turn, ...rest }) => {
    const own = Object.entries(special).flatMap(([name, rules]) => rules.map((rule) => ({ ...rule, names: [name] })))
    // Where all rules have conditions, libseccomp 2.5.4 forgets to load the number for x32. And it is newer than
    // socketcall and ipc, which nobody names who names the calls behind them.
    const always = rest.defaultAction === 'SCMP_ACT_LOG' ? 'SCMP_ACT_ALLOW' : 'SCMP_ACT_LOG'
    const all: SyscallRule[] = [...own, ...plain, { names: ['getrandom'], action: always }]
    const cut = turn % all.length
    return { ...rest, syscalls: [...all.slice(cut), ...all.slice(0, cut)] }
  })

/** runc puts a stub before libseccomp's program: what is newer than all that is named answers ENOSYS. */
function isNew(seccomp: Seccomp, abi: Abi, number: number): boolean {
  const isNamed =
    abi === 'x86_64' || seccomp.architectures?.includes(abi === 'i386' ? 'SCMP_ARCH_X86' : 'SCMP_ARCH_X32')
  if (!isNamed || isPermissive(seccomp.defaultAction)) return false
  const newest = Math.max(0, ...numbersOf(seccomp, abi))
  return newest > 0 && number > newest
}

const numbersOf = ({ syscalls = [] }: Seccomp, abi: Abi): number[] =>
  syscalls.flatMap((rule) => rule.names.flatMap((name) => syscallNumber(name, abi) ?? []))

function assertSame(seccomp: Seccomp, program: Buffer, lists: readonly (readonly bigint[])[]): void {
  const theirs = machine(program)
  const ours = machine(Buffer.from(programText(compileFilter(seccomp, 'x64').program), 'hex'))
  for (const abi of ways) {
    const { audit: arch, base } = abis[abi]
    const named = numbersOf(seccomp, abi)
    // 102 and 117 are socketcall and ipc of i386.
    for (const number of new Set([0, 1, 102, 117, 470, 1000, ...named, ...named.map((number) => number + 1)])) {
      for (const args of lists) {
        const call = { arch, number: base + number, args }
        const wanted = isNew(seccomp, abi, number) ? NO_SUCH_CALL : theirs(call)
        assert.equal(ours(call), wanted, `${abi} ${number} (${args}) of ${JSON.stringify(seccomp)}`)
      }
    }
  }
}

/** Every argument is a value of the profiles, or next to one. */
const someArguments = fc.array(
  fc
    .tuple(fc.constantFrom(...values.map(BigInt), 0xffff_ffff_ffff_ffffn), fc.constantFrom(-1n, 0n, 0n, 1n))
    .map(([value, step]) => value + step),
  { minLength: 6, maxLength: 6 },
)
const lists = fc.array(someArguments, { minLength: 10, maxLength: 10 })

test('random profiles get the verdicts of libseccomp', { skip }, () => {
  const property = fc.property(profile, lists, (seccomp, calls) => {
    const program = libseccompProgram(seccomp)
    fc.pre(program !== undefined)
    if (program) assertSame(seccomp, program, calls)
  })
  fc.assert(property, { numRuns: 100, endOnFailure: true })
})

const PODMAN = '/usr/share/containers/seccomp.json'
const noPodman = existsSync(PODMAN)
  ? undefined
  : 'needs the profile of podman (Debian: golang-github-containers-common)'

test('the default profile of podman gets the verdicts of libseccomp, for every call', {
  skip: skip ?? noPodman,
}, () => {
  const whole = engineProfile(PODMAN, architectures)
  const unknown = unknownToLibseccomp((whole.syscalls ?? []).flatMap((rule) => rule.names))
  const syscalls = (whole.syscalls ?? []).map((rule) => ({
    ...rule,
    names: rule.names.filter((name) => !unknown.has(name)),
  }))
  const random = fc.sample(lists, { numRuns: 3, seed: 1 }).flat()
  const known = { ...whole, syscalls }
  const program = libseccompProgram(known) ?? assert.fail('libseccomp refuses it')
  assertSame(known, program, [[0n, 0n, 0n, 0n, 0n, 0n], [16n, 0n, 9n, 0n, 0n, 0n], ...random])
})
