import { error, type Issue } from '../../base/issue.ts'
import { WAIT_KILLABLE_RECV } from '../seccomp-names.ts'
import type { Seccomp, Spec, SyscallRule } from '../types.ts'
import { each, type Loose } from './loose.ts'

const POINTER = '/linux/seccomp'
const NOTIFY = 'SCMP_ACT_NOTIFY'
/** MAX_ERRNO of the kernel, which makes this of anything higher. */
const MAX_ERRNO = 4095
/** What is left of a verdict beside the action. */
const MAX_TRACE = 0xffff
const ARGUMENTS = 6

/** Profiles that the kernel would take otherwise than they read, or that would hang the program for ever. */
export function seccompIssues({ linux }: Loose<Spec>): Issue[] {
  const seccomp = linux?.seccomp
  if (seccomp === undefined) return []
  const rules = each(seccomp.syscalls, `${POINTER}/syscalls`)
  return [
    ...errnoIssues(seccomp.defaultAction, seccomp.defaultErrnoRet, `${POINTER}/defaultErrnoRet`),
    ...listenerIssues(seccomp),
    ...rules.flatMap(([rule, pointer]) => ruleIssues(rule, pointer)),
  ]
}

function errnoIssues(action: string | undefined, errno: number | undefined, pointer: string): Issue[] {
  if (errno === undefined || action === undefined) return []
  if (action !== 'SCMP_ACT_ERRNO' && action !== 'SCMP_ACT_TRACE')
    return [error(pointer, `has no meaning with ${action}: only SCMP_ACT_ERRNO and SCMP_ACT_TRACE carry one`)]
  const most = action === 'SCMP_ACT_ERRNO' ? MAX_ERRNO : MAX_TRACE
  return errno > most ? [error(pointer, `must be at most ${most} with ${action}`)] : []
}

function listenerIssues({ defaultAction, listenerPath = '', flags, syscalls }: Loose<Seccomp>): Issue[] {
  const asks = (syscalls ?? []).some((rule) => rule?.action === NOTIFY)
  const wait = each(flags, `${POINTER}/flags`).find(([flag]) => flag === WAIT_KILLABLE_RECV)
  return [
    ...(defaultAction === NOTIFY
      ? [error(`${POINTER}/defaultAction`, `${NOTIFY} cannot be used as default action: nobody could start`)]
      : []),
    ...(asks && listenerPath === ''
      ? [error(`${POINTER}/listenerPath`, `seccomp listenerPath is not set, and ${NOTIFY} needs it`)]
      : []),
    ...(wait && !asks ? [error(wait[1], `means something only with ${NOTIFY}`)] : []),
  ]
}

/** init hands over the listener, and tells a failure, with these: an agent that has no listener yet cannot answer. */
const ownCalls: ReadonlySet<string> = new Set(['write', 'sendmsg'])

function ruleIssues({ names, action, errnoRet, args }: Loose<SyscallRule>, pointer: string): Issue[] {
  const own = action === NOTIFY ? each(names, `${pointer}/names`).filter(([name]) => ownCalls.has(name)) : []
  return [
    ...own.map(([name, place]) => error(place, `${NOTIFY} cannot be used for the ${name} syscall`)),
    ...errnoIssues(action, errnoRet, `${pointer}/errnoRet`),
    ...each(args, `${pointer}/args`).flatMap(([argument, place]) => [
      ...((argument.index ?? 0) < ARGUMENTS ? [] : [error(`${place}/index`, 'must be at most 5')]),
      ...exactIssues(argument.value, `${place}/value`),
      ...exactIssues(argument.valueTwo, `${place}/valueTwo`),
    ]),
  ]
}

/** Above 2^53 a JSON number has been rounded here, and the filter would compare with a neighbour. */
function exactIssues(value: number | undefined, pointer: string): Issue[] {
  return value === undefined || Number.isSafeInteger(value) ? [] : [error(pointer, 'must be at most 9007199254740991')]
}
