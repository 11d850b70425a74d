/** Which limits a command has run into, and in which words that is told. */
import type { HeldLimit, LimitName } from '../container/hold/amounts.ts'
import type { Events } from './events.ts'

export function tellReached(events: Events, argv: readonly string[], limits: readonly HeldLimit[]): void {
  for (const limit of reachedOf(limits)) events.tell('limit', { time: new Date().toISOString(), argv, limit })
}

/** What the result of a command says of its limits. */
export function limitsOf(held: readonly HeldLimit[] = [], always: readonly HeldLimit[] = []) {
  return { limits: [...held, ...always], limit: endedBy(held) }
}

export const reachedOf = (limits: readonly HeldLimit[]): HeldLimit[] => limits.filter(({ hits = 0 }) => hits > 0)

/** The limit because of which processes were ended. Forks that are refused end nobody by themselves. */
export function endedBy(limits: readonly HeldLimit[]): LimitName | undefined {
  const found = reachedOf(limits).find(({ limit, enforcedBy }) => limit === 'memory' || enforcedBy === 'watchdog')
  return found?.limit as LimitName | undefined
}

/** One line each, for people. */
export function reachedWords(limits: readonly HeldLimit[]): string[] {
  return reachedOf(limits).map(({ limit, value, enforcedBy, hits = 0, isShared }) => {
    const whose = isShared ? ' of all together' : ''
    const name = `the limit ${limit} ${value}${whose} was reached`
    if (enforcedBy === 'watchdog') return `${name}: the watchdog has ended the command`
    const what = limit === 'memory' ? 'the kernel ended processes' : 'the kernel refused to make a process'
    return `${name}: ${what}, ${hits} ${hits === 1 ? 'time' : 'times'}`
  })
}
