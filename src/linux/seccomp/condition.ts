/** One comparison of an argument, as instructions. BPF compares 32 bits, so 64 take two steps: the upper half first. */
import type { SyscallArgument } from '../../spec/types.ts'
import { and, type Instruction, JEQ, JGE, JGT, load } from './bpf.ts'

export interface Condition {
  readonly index: number
  readonly op: SyscallArgument['op']
  /** Unsigned, at most 64 bits. */
  readonly value: bigint
  /** All ones but for MASKED_EQ. */
  readonly mask: bigint
}

/** struct seccomp_data: number, architecture, instruction pointer, then six arguments of 64 bits. */
const ARGUMENTS = 16
const LOW = 0xffff_ffffn

/** Where a comparison goes: the next instruction, behind this condition, or out of the rule. */
type Target = 'next' | 'pass' | 'fail'
type Step = Instruction | { readonly code: number; readonly k: number; readonly yes: Target; readonly no: Target }

const equal = (k: number, no: Target): Step => ({ code: JEQ, k, yes: 'next', no })

const upper: Readonly<Record<Condition['op'], (k: number) => readonly Step[]>> = {
  SCMP_CMP_EQ: (k) => [equal(k, 'fail')],
  SCMP_CMP_MASKED_EQ: (k) => [equal(k, 'fail')],
  SCMP_CMP_NE: (k) => [equal(k, 'pass')],
  SCMP_CMP_GT: (k) => [{ code: JGT, k, yes: 'pass', no: 'next' }, equal(k, 'fail')],
  SCMP_CMP_GE: (k) => [{ code: JGT, k, yes: 'pass', no: 'next' }, equal(k, 'fail')],
  SCMP_CMP_LT: (k) => [{ code: JGT, k, yes: 'fail', no: 'next' }, equal(k, 'pass')],
  SCMP_CMP_LE: (k) => [{ code: JGT, k, yes: 'fail', no: 'next' }, equal(k, 'pass')],
}

const lower: Readonly<Record<Condition['op'], (k: number) => Step>> = {
  SCMP_CMP_EQ: (k) => equal(k, 'fail'),
  SCMP_CMP_MASKED_EQ: (k) => equal(k, 'fail'),
  SCMP_CMP_NE: (k) => ({ code: JEQ, k, yes: 'fail', no: 'pass' }),
  SCMP_CMP_GT: (k) => ({ code: JGT, k, yes: 'pass', no: 'fail' }),
  SCMP_CMP_GE: (k) => ({ code: JGE, k, yes: 'pass', no: 'fail' }),
  SCMP_CMP_LT: (k) => ({ code: JGE, k, yes: 'fail', no: 'pass' }),
  SCMP_CMP_LE: (k) => ({ code: JGT, k, yes: 'fail', no: 'pass' }),
}

/** A mask without a bit that is compared lets everything pass. */
export const isAlwaysTrue = ({ mask }: Condition, bits: 32 | 64): boolean => (bits === 64 ? mask : mask & LOW) === 0n

function masked(place: number, mask: bigint): Step[] {
  return mask === LOW ? [load(place)] : [load(place), and(Number(mask))]
}

function steps({ index, op, value, mask }: Condition, bits: 32 | 64): Step[] {
  const kept = value & mask
  const place = ARGUMENTS + 8 * index
  const low = [...masked(place, mask & LOW), lower[op](Number(kept & LOW))]
  // Nothing of the upper half is compared.
  if (bits === 32 || (op === 'SCMP_CMP_MASKED_EQ' && mask >> 32n === 0n)) return low
  return [...masked(place + 4, mask >> 32n), ...upper[op](Number(kept >> 32n)), ...low]
}

/** Falls through where the condition holds; passes over `rest` more instructions behind it where it does not. */
export function conditionCode(condition: Condition, bits: 32 | 64, rest: number): Instruction[] {
  const all = steps(condition, bits)
  return all.map((step, place) => {
    if (!('yes' in step)) return step
    const behind = all.length - place - 1
    const distances: Readonly<Record<Target, number>> = { next: 0, pass: behind, fail: behind + rest }
    return { code: step.code, jt: distances[step.yes], jf: distances[step.no], k: step.k }
  })
}
