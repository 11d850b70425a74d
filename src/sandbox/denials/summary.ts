/** What was denied, for people: the most telling first, one line a thing. Pure. */
import { withoutSteering } from './denial.ts'
import type { Denial } from './shape.ts'

/** More are counted, not listed. */
const MOST_LISTED = 10

const networkReasons: Readonly<Record<string, string>> = {
  'name-not-allowed': 'no --allow-host names it',
  'address-not-known': 'no allowed name has this address',
  'address-closed': 'it is private, reserved, or near this machine; only --allow-host ADDRESS opens it',
  'port-not-allowed': 'not on this port',
  'server-name-differs': 'the address does not belong to that server name',
  'hello-broken': 'it began like TLS and was none',
  'too-many': 'too many connections at once',
  'no-answer': 'the name could not be looked up',
  'other-name-server': 'asked at another name server',
}

/** What a program only looks for is mostly no loss to it. */
const weight = ({ kind, action }: Denial): number =>
  kind === 'lost'
    ? 0
    : kind === 'process'
      ? 1
      : kind === 'network'
        ? 2
        : action === 'look'
          ? 5
          : kind === 'call'
            ? 3
            : 4

function thing({ kind, path, host, address, port, call, argument, action }: Denial): string {
  if (kind === 'call') return argument === undefined ? `${call}()` : `${call}(${argument})`
  if (kind === 'network') return `${action} ${host ?? address ?? ''}${port === undefined ? '' : `:${port}`}`
  return `${action} ${path ?? ''}`
}

export function describeDenial(denial: Denial): string {
  const { kind, rule, reason, count = 1, command, action } = denial
  if (kind === 'lost') return `${count} more of kind ${action} that the log has no room for`
  const why = reason === undefined ? rule : (networkReasons[reason] ?? reason)
  const by = command === undefined ? '' : `, by ${command}`
  return withoutSteering(`${thing(denial)} (${why}${count > 1 ? `, ${count} times` : ''}${by})`)
}

/** Lines for the end of a command; none where nothing was denied. */
export function summarizeDenials(denials: readonly Denial[]): string[] {
  if (denials.length === 0) return []
  const sorted = denials
    .map((denial, place) => ({ denial, place }))
    .sort((a, b) => weight(a.denial) - weight(b.denial) || a.place - b.place)
  const listed = sorted.slice(0, MOST_LISTED).map(({ denial }) => `denied: ${describeDenial(denial)}`)
  return denials.length > MOST_LISTED ? [...listed, `denied: ${denials.length - MOST_LISTED} more`] : listed
}
