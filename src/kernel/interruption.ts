/**
 * Signals to a call that is making something: they are kept, it stops at its next step and undoes what it did, and then
 * they end it. Node itself would end at once, with half of a container left behind.
 */
import { constants } from 'node:os'
import { RuntimeError } from '../base/errors.ts'
import { native } from './native.ts'

/** See native/lib/usnea.h. `none`: whoever will be there gets them all. `ending`: only HUP, INT, QUIT and TERM interrupt. */
const kinds = { none: 0, ending: 1, all: 2 } as const

/** Before anything is made. Signals are ours from here on, until `releaseSignals`. */
export function catchSignals(interrupting: keyof typeof kinds): void {
  native().catchSignals(kinds[interrupting])
}

/** What was kept, and never given to anybody, does now what it would have done. It may not come back from that. */
export function releaseSignals(): void {
  native().stopForwarding()
}

export const isInterrupted = (): boolean => native().interruption() !== 0

/** @throws RuntimeError `interrupted` */
export function assertNotInterrupted(): void {
  const signal = native().interruption()
  if (signal === 0) return
  const [name = `signal ${signal}`] = Object.entries(constants.signals).find(([, number]) => number === signal) ?? []
  throw new RuntimeError('interrupted', { what: `interrupted by ${name}` })
}
