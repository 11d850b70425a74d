/** What a sandbox does with its layer, besides running commands in it. */
import type { LayerInfo } from './api.ts'
import type { Events } from './events.ts'
import {
  type ApplyEvent,
  type ApplyOptions,
  type ApplyResult,
  applyLayer,
  type Differing,
  type DiffOptions,
  diffLayer,
  discardLayer,
  type Layer,
  type Progress,
  type RollBackResult,
  rollBackLayer,
} from './layers/index.ts'
import { absolute, wrong } from './option-values.ts'

/** Each throws a RuntimeError `sandbox-option` where there is none. */
export class LayerVerbs {
  readonly #layer: Layer | undefined
  /** What relative paths count from. */
  readonly #cwd: string
  readonly #events: Events

  constructor(layer: Layer | undefined, cwd: string, events: Events) {
    this.#layer = layer
    this.#cwd = cwd
    this.#events = events
  }

  get info(): LayerInfo | undefined {
    if (this.#layer === undefined) return undefined
    const { name, folders, backend } = this.#layer.record
    return { name, folders, backend }
  }

  diff(options: DiffOptions = {}): Differing[] {
    return diffLayer(this.#needed(), options)
  }

  apply(options: ApplyOptions = {}): ApplyResult {
    const paths = options.paths?.map((path) => absolute(path, 'paths', this.#cwd))
    const wishes = paths === undefined ? options : { ...options, paths }
    return applyLayer(this.#needed(), wishes, this.#progress('forward'))
  }

  rollBack(options: Pick<ApplyOptions, 'conflicts'> = {}): RollBackResult {
    return rollBackLayer(this.#needed(), options, this.#progress('back'))
  }

  discard({ force = false }: { readonly force?: boolean } = {}): void {
    discardLayer(this.#needed(), force)
  }

  #progress(way: ApplyEvent['way']): Progress {
    if (!this.#events.isHeard('apply')) return {}
    return { onStep: (done, all) => this.#events.tell('apply', { time: new Date().toISOString(), way, done, all }) }
  }

  #needed(): Layer {
    if (this.#layer !== undefined) return this.#layer
    throw wrong('layer', 'this sandbox was made without one')
  }
}
