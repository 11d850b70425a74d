import type { Mount } from '../../spec/types.ts'
import type { ParsedMount } from './options.ts'

/** One mount of the spec with what every step of it needs. */
export interface Item {
  readonly mount: Mount
  readonly target: string
  readonly options: ParsedMount
  readonly origin: string
  /** Its place in the list. */
  readonly index: number
}
