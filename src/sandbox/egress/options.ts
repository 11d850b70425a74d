/** The options of a filtered network, checked. Pure. */
import { namedPorts } from './decide.ts'
import type { NetworkEvent } from './report.ts'
import { parseRule, type Rule } from './rules.ts'

export interface EgressOptions {
  /**
   * Hosts that the command may reach by TCP, as `HOST[:PORTS]`; all else is refused. HOST is a name, `*.NAME`, `*`, or an
   * address or range, of IPv6 in brackets; PORTS are like `443`, `80,443`, `8000-8100`, and without them every port is meant.
   * Default: none, and then `net` says it all.
   */
  readonly allowHosts?: readonly string[]
  /** Sets HTTP_PROXY and its like to a proxy with the same rules, for programs that then tell why. Default false. */
  readonly proxyVariables?: boolean
  /** `false`: carries only ports that rules name, as where the kernel has no netfilter. Default true. */
  readonly netfilter?: boolean
  /** Hears what was let through and what was refused. Default: nobody does. */
  readonly onNetwork?: (event: NetworkEvent) => void
}

export interface Egress {
  readonly rules: readonly Rule[]
  readonly proxyVariables: boolean
  readonly netfilter: boolean
  readonly listener: ((event: NetworkEvent) => void) | undefined
  /** Does anybody listen now? Default: where there is a listener. */
  readonly isHeard?: () => boolean
}

/** What is wrong is told through `wrong`, which gives the error. */
export function checkEgress(
  options: EgressOptions & { readonly net?: string },
  wrong: (option: string, why: string) => Error,
): Egress | undefined {
  const { allowHosts, proxyVariables = false, netfilter = true, onNetwork: listener, net = 'none' } = options
  if (allowHosts === undefined || allowHosts.length === 0) return undefined
  if (!Array.isArray(allowHosts) || allowHosts.some((text) => typeof text !== 'string'))
    throw wrong('allow-host', 'a list of hosts is expected')
  if (net !== 'none') throw wrong('allow-host', `it needs a network of its own, and net ${net} was asked for too`)
  const rules = allowHosts.map((text) => {
    const parsed = parseRule(text)
    if ('problem' in parsed) throw wrong('allow-host', `${JSON.stringify(text)}: ${parsed.problem}`)
    return parsed.rule
  })
  return { rules, proxyVariables, netfilter, listener }
}

/** As many listening sockets as it takes, where not all ports can be carried by one. */
export const MOST_PORTS = 256

export const listenedPorts = ({ rules }: Egress): string[] => namedPorts(rules, MOST_PORTS).map(String)
