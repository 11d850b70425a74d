/** The filtered network of one sandbox: what all of its commands share, and a filter for each of them. */
import { closeSync } from 'node:fs'
import { RuntimeError } from '../../base/errors.ts'
import type { Degradation } from '../../base/issue.ts'
import { findSocketOwner } from '../../host/socket-owner.ts'
import { errnoName } from '../../kernel/errno.ts'
import type { Connector, Handed } from './connector.ts'
import { Filter } from './filter.ts'
import { Names } from './names.ts'
import { type Egress, listenedPorts } from './options.ts'
import { type NetworkEvent, Reporter } from './report.ts'
import { Resolver } from './resolver.ts'

export class Network implements Connector {
  readonly #egress: Egress
  readonly #names = new Names()
  readonly #resolver = new Resolver()
  readonly #reporter: Reporter

  constructor(egress: Egress) {
    this.#egress = egress
    this.#reporter = new Reporter(egress.listener, egress.isHeard)
  }

  /** @param pid the first process of the sandbox. @throws RuntimeError `egress-failed`; then the sockets are closed */
  open(handed: readonly Handed[], pid: number, hear?: (event: NetworkEvent) => void): Filter {
    const of = (word: string) => handed.flatMap((one) => (one.word === word ? one.fd : []))
    const [datagrams] = of('u')
    const [queries] = of('q')
    const [proxy] = of('p')
    if (datagrams === undefined || queries === undefined || proxy === undefined) {
      for (const { fd } of handed) closeSync(fd)
      throw new RuntimeError('egress-failed', {
        what: 'the sockets of the filtered network did not arrive',
        why: 'probably this process has no descriptors left',
        fix: 'raise the limit of open files (ulimit -n)',
      })
    }
    return new Filter(
      { transparent: [...of('t'), ...of('s')], datagrams, queries, proxy, refused: of('r') },
      {
        rules: this.#egress.rules,
        names: this.#names,
        resolve: this.#resolver.resolve,
        hasIpv6: of('s').length > 0,
        reporter: hear ? this.#reporterFor(hear) : this.#reporter,
        owner: (ends) => findSocketOwner(pid, ends),
      },
    )
  }

  /** What one command tells, told to two. */
  #reporterFor(hear: (event: NetworkEvent) => void): Reporter {
    const { listener } = this.#egress
    return new Reporter((event) => {
      listener?.(event)
      hear(event)
    })
  }

  /** What init has told: the errno of the netfilter rules, or 0. */
  weaknesses(errno: number): Degradation[] {
    if (errno === 0) return []
    const why = this.#egress.netfilter ? `the kernel refused netfilter rules (${errnoName(errno)})` : 'netfilter is off'
    const ports = listenedPorts(this.#egress).join(', ') || 'none'
    this.#reporter.tell({ kind: 'tcp', verdict: 'weaker', reason: 'only-named-ports' })
    return [{ pointer: 'allow-host', message: `only these ports are carried, as ${why}: ${ports}` }]
  }
}
