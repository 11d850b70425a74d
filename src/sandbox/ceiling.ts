/** Limits of several sandboxes together. */
import type { HeldLimit } from '../container/hold/amounts.ts'
import { named } from '../container/hold/amounts.ts'
import { Shared } from '../container/hold/ceiling.ts'
import { readHost } from '../host/host.ts'
import { type AmountOptions, checkAmounts } from './limits.ts'
import { checkNames, checkTexts, type Names, wrong } from './option-values.ts'

export interface CeilingOptions extends AmountOptions {
  /** `limits`: one that nothing here can hold will do. Default: it is an error. */
  readonly accept?: readonly 'limits'[]
}

const names: Names<CeilingOptions> = { memory: true, pids: true, cpus: true, accept: true }

/**
 * As many sandboxes as you like may stand under it: `sandbox(options, { ceiling })`. Each may have limits of its own besides.
 * Disposing it ends whatever still runs under it.
 */
export interface Ceiling extends AsyncDisposable {
  /** What holds each of its limits. */
  readonly limits: readonly HeldLimit[]
}

/** @throws RuntimeError `sandbox-option`, `policy-unenforceable`, `cgroup-…` */
export function ceiling(options: CeilingOptions): Ceiling {
  checkNames(options, names)
  if (options.accept !== undefined) checkTexts('accept', options.accept)
  const amounts = checkAmounts(options, wrong)
  if (named(amounts).length === 0) throw wrong('ceiling', 'it needs a limit: memory, pids or cpus')
  return new SharedCeiling(amounts, readHost(), options.accept?.includes('limits') ?? false)
}

class SharedCeiling extends Shared implements Ceiling {}

/** @throws RuntimeError `sandbox-option` */
export function sharedOf(one: Ceiling): Shared {
  if (one instanceof SharedCeiling) return one
  throw wrong('ceiling', 'it is none that ceiling() has made')
}
