/** A policy with the folders of a layer in it. Makes the layer when it is not there. */
import { RuntimeError } from '../base/errors.ts'
import type { Host } from '../host/facts.ts'
import type { Exposure } from './exposure.ts'
import { type Layer, layerExposures, openOrMakeLayer } from './layers/index.ts'
import type { CheckedOptions } from './options.ts'
import { choosePolicy, type Policy } from './policy.ts'

export interface Layered {
  readonly policy: Policy
  readonly layer: Layer | undefined
}

/** @throws RuntimeError `sandbox-option`, `layer-…` */
export function layeredPolicy(options: CheckedOptions, host: Host): Layered {
  if (options.layer === undefined) return { policy: choosePolicy(options, host), layer: undefined }
  // What is wrong with the rest is to be told before a layer is made.
  const base = choosePolicy(options, host)
  if (base.standing.level === 'L')
    throw new RuntimeError('layer-backend', {
      what: 'at level L nothing can be put in the place of a directory, so nothing can be tried',
      fix: 'usnea doctor shows why there are no namespaces here, and how to get them',
    })
  const layer = openOrMakeLayer(options.layer, base)
  const isTried = ({ source, dest }: Exposure) => source === dest && layer.record.folders.includes(dest)
  // A profile that lets the project through must not let through what is to be tried.
  const others = options.exposures.filter((exposure) => !isTried(exposure))
  const exposures = [...others, ...layerExposures(layer, others)]
  const policy = choosePolicy({ ...options, exposures }, host)
  const degradations = layer.record.because.map((message) => ({ pointer: 'layer', message }))
  return { policy: { ...policy, degradations: [...policy.degradations, ...degradations] }, layer }
}
