/** Which connector the network of a sandbox takes. */
import type { Host } from '../../host/facts.ts'
import type { CheckedOptions } from '../options.ts'
import type { Connector } from './connector.ts'
import { HelperNetwork } from './helper-network.ts'
import { Network } from './network.ts'

/** Undefined where nobody has to stay for it. @throws RuntimeError `net-program`, `net-tun` */
export function connectorFor({ egress, helper }: CheckedOptions, host: Host): Connector | undefined {
  if (egress) return new Network(egress)
  return helper && new HelperNetwork(helper, host)
}
