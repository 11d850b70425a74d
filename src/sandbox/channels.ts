/** Which descriptors the init of a sandbox gets behind its standard ones, in their order. Pure. */
import type { Policy } from './policy.ts'

const FIRST = 3

export interface Channels {
  /** What connects or filters the network, where there is such. */
  readonly network: number
  /** The first of those of a layer that is served, one for each folder. */
  readonly served: number
  /** The observer's. */
  readonly observer: number
}

export function channelsOf({ options, exposures }: Pick<Policy, 'options' | 'exposures'>): Channels {
  const served = options.egress || options.helper ? FIRST + 1 : FIRST
  return { network: FIRST, served, observer: served + exposures.filter((one) => one.served !== undefined).length }
}
