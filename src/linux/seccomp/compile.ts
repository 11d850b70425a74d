/** A seccomp profile into one classic BPF program: the architecture first, then a binary search for the number. Pure. */
import type { Host } from '../../host/facts.ts'
import type { Seccomp } from '../../spec/types.ts'
import { type Abi, abis, abisOf, isSyscall, syscallNumber, X32_BASE } from './abi.ts'
import { branch, give, type Instruction, JEQ, JGE, load } from './bpf.ts'
import { conditionCode } from './condition.ts'
import { type CallRules, callRules, type NamedRule, namedRules } from './rules.ts'
import { isPermissive, KILL, NO_SUCH_CALL, verdictOf } from './verdict.ts'

export interface Filter {
  readonly program: readonly Instruction[]
  /** Names of the profile that are no system call that we know. */
  readonly unknown: readonly string[]
}

/** struct seccomp_data */
const NUMBER = 0
const ARCHITECTURE = 4

/** From this number on the leaf holds, up to the next piece. */
interface Piece {
  readonly from: number
  readonly leaf: readonly Instruction[]
}

interface Profile {
  readonly seccomp: Seccomp
  readonly standard: number
  readonly rules: readonly NamedRule[]
}

export function compileFilter(seccomp: Seccomp, arch: Host['arch']): Filter {
  const standard = verdictOf(seccomp.defaultAction, seccomp.defaultErrnoRet)
  const profile = { seccomp, standard, rules: namedRules(seccomp, standard) }
  const names = (seccomp.syscalls ?? []).flatMap((rule) => rule.names)
  return { program: dispatch(profile, arch), unknown: [...new Set(names)].filter((name) => !isSyscall(name)) }
}

function dispatch(profile: Profile, arch: Host['arch']): Instruction[] {
  const wanted = abisOf(profile.seccomp.architectures ?? [], arch)
  const withX32 = wanted.includes('x32')
  const sections = wanted.filter((abi) => abi !== 'x32')
  const all = sections.reduceRight<Instruction[]>(
    (otherwise, abi) => {
      const matching = [load(NUMBER), ...search(merged(sectionPieces(profile, abi, withX32)))]
      return branch(JEQ, abis[abi].audit, { matching, otherwise })
    },
    [give(KILL)],
  )
  return [load(ARCHITECTURE), ...all]
}

function sectionPieces(profile: Profile, abi: Abi, withX32: boolean): Piece[] {
  const own = pieces(profile, abi)
  if (abi !== 'x86_64') return own
  const x32 = withX32 ? pieces(profile, 'x32') : [{ from: X32_BASE, leaf: [give(KILL)] }]
  // A tracer says -1 to skip a call, which must not kill: seccomp(2).
  return [...own, ...x32, { from: 0xffff_ffff, leaf: [give(profile.standard)] }]
}

function pieces({ seccomp, standard, rules }: Profile, abi: Abi): Piece[] {
  const calls = callRules(rules, abi)
  const newest = isPermissive(seccomp.defaultAction) ? undefined : newestNumber(seccomp, abi)
  const { base, bits } = abis[abi]
  const gap = (number: number) => (newest !== undefined && number > newest ? NO_SUCH_CALL : standard)
  const starts = [...calls.keys()].flatMap((number) => [number, number + 1])
  const sorted = [...new Set([0, ...(newest === undefined ? [] : [newest + 1]), ...starts])].sort((a, b) => a - b)
  return sorted.map((number) => {
    const call = calls.get(number)
    return { from: base + number, leaf: call ? callCode(call, bits, standard) : [give(gap(number))] }
  })
}

/** arch/arm: cacheflush and its kin have numbers of their own, far above all that will come. */
const PRIVATE = 0xf_0000

/**
 * A libc that tries a new call falls back on ENOSYS, not on EPERM. So calls newer than everything that the profile names
 * answer ENOSYS; its author cannot have meant to refuse them. Undefined where the profile names nothing.
 */
function newestNumber({ syscalls = [] }: Seccomp, abi: Abi): number | undefined {
  const numbers = syscalls.flatMap(({ names }) => names.map((name) => syscallNumber(name, abi) ?? 0))
  const newest = numbers.reduce((most, number) => (number < PRIVATE && number > most ? number : most), 0)
  return newest === 0 ? undefined : newest
}

function callCode({ conditional, otherwise }: CallRules, bits: 32 | 64, standard: number): Instruction[] {
  return [...conditional.flatMap((rule) => ruleCode(rule, bits)), give(otherwise ?? standard)]
}

/** From the last to the first: a condition that fails passes over all that is behind it. */
function ruleCode({ conditions, verdict }: CallRules['conditional'][number], bits: 32 | 64): Instruction[] {
  let code = [give(verdict)]
  for (const condition of conditions.toReversed()) code = conditionCode(condition, bits, code.length).concat(code)
  return code
}

const isSame = (one: Piece, other: Piece): boolean =>
  one.leaf.length === 1 && other.leaf.length === 1 && one.leaf[0]?.k === other.leaf[0]?.k

function merged(all: readonly Piece[]): Piece[] {
  return all.filter((piece, place) => {
    const before = all[place - 1]
    return before === undefined || !isSame(before, piece)
  })
}

function search(all: readonly Piece[]): Instruction[] {
  const [first] = all
  if (all.length <= 1) return first ? [...first.leaf] : []
  const middle = all.length >> 1
  const from = all[middle]?.from ?? 0
  return branch(JGE, from, { matching: search(all.slice(middle)), otherwise: search(all.slice(0, middle)) })
}
