/** The rules of a profile, as they hold for one architecture. libseccomp decides which rule counts; so do we. */
import { uint64 } from '../../spec/integers.ts'
import type { Seccomp, SyscallArgument, SyscallRule } from '../../spec/types.ts'
import { type Abi, abis, syscallNumber } from './abi.ts'
import { type Condition, isAlwaysTrue } from './condition.ts'
import { verdictOf } from './verdict.ts'

export interface NamedRule {
  readonly name: string
  /** All of them must hold. */
  readonly conditions: readonly Condition[]
  readonly verdict: number
}

/** What holds for one system call: the first rule that matches, and in the end `otherwise`. */
export interface CallRules {
  readonly conditional: readonly Omit<NamedRule, 'name'>[]
  /** A rule without conditions; undefined is the default action. */
  readonly otherwise: number | undefined
}

const ALL_BITS = 0xffff_ffff_ffff_ffffn

function conditionOf({ index, op, value, valueTwo = 0 }: SyscallArgument): Condition {
  return op === 'SCMP_CMP_MASKED_EQ'
    ? { index, op, value: uint64(valueTwo), mask: uint64(value) }
    : { index, op, value: uint64(value), mask: ALL_BITS }
}

/** Two conditions on one argument cannot stand in one rule of libseccomp: runtimes make a rule of each then. */
function alternatives(args: readonly SyscallArgument[]): readonly (readonly Condition[])[] {
  const conditions = args.map(conditionOf)
  const isSplit = new Set(args.map(({ index }) => index)).size < args.length
  return isSplit ? conditions.map((condition) => [condition]) : [conditions]
}

function expand({ names, action, errnoRet, args = [] }: SyscallRule): NamedRule[] {
  const verdict = verdictOf(action, errnoRet)
  return names.flatMap((name) => alternatives(args).map((conditions) => ({ name, conditions, verdict })))
}

/** One by one, without those that say what happens anyway. */
export function namedRules({ syscalls = [] }: Seccomp, standard: number): NamedRule[] {
  return syscalls.flatMap(expand).filter(({ verdict }) => verdict !== standard)
}

/** linux/net.h: the first argument of socketcall(2). */
const socketCalls = [
  'socket bind connect listen accept getsockname getpeername socketpair send recv sendto recvfrom shutdown setsockopt',
  'getsockopt sendmsg recvmsg accept4 recvmmsg sendmmsg',
]
  .join(' ')
  .split(' ')

/** linux/ipc.h: the first argument of ipc(2). */
const ipcCalls: Readonly<Record<string, number>> = {
  semop: 1,
  semget: 2,
  semctl: 3,
  semtimedop: 4,
  msgsnd: 11,
  msgrcv: 12,
  msgget: 13,
  msgctl: 14,
  shmat: 21,
  shmdt: 22,
  shmget: 23,
  shmctl: 24,
}

interface Place {
  readonly number: number
  readonly conditions: readonly Condition[]
}

/** The other door to the same call. Its real arguments lie in memory, where a filter cannot look. */
function multiplexed(name: string, conditions: readonly Condition[], abi: Abi): Place[] {
  if (!abis[abi].isMultiplexed) return []
  const socket = socketCalls.indexOf(name) + 1
  const call = socket > 0 ? socket : Object.hasOwn(ipcCalls, name) ? ipcCalls[name] : undefined
  const number = syscallNumber(socket > 0 ? 'socketcall' : 'ipc', abi)
  if (call === undefined || number === undefined) return []
  const first: Condition = { index: 0, op: 'SCMP_CMP_EQ', value: BigInt(call), mask: ALL_BITS }
  return [{ number, conditions: [first, ...conditions.filter(({ index }) => index !== 0)] }]
}

function places({ name, conditions }: NamedRule, abi: Abi): Place[] {
  const number = syscallNumber(name, abi)
  const needed = conditions.filter((condition) => !isAlwaysTrue(condition, abis[abi].bits))
  return [...multiplexed(name, needed, abi), ...(number === undefined ? [] : [{ number, conditions: needed }])]
}

/**
 * By number. The first rule without conditions holds alone, whatever stands before and behind it, as in libseccomp;
 * of several with conditions the first that matches.
 */
export function callRules(rules: readonly NamedRule[], abi: Abi): ReadonlyMap<number, CallRules> {
  const calls = new Map<number, { conditional: CallRules['conditional'][number][]; otherwise: number | undefined }>()
  for (const rule of rules) {
    for (const { number, conditions } of places(rule, abi)) {
      const call = calls.get(number) ?? { conditional: [], otherwise: undefined }
      calls.set(number, call)
      if (call.otherwise !== undefined) continue
      if (conditions.length > 0) call.conditional.push({ conditions, verdict: rule.verdict })
      else calls.set(number, { conditional: [], otherwise: rule.verdict })
    }
  }
  return calls
}
