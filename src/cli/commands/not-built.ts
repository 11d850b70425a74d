/** The one answer of a verb that reads everything its callers send and does nothing yet. */
import { RuntimeError } from '../../base/errors.ts'

/** @throws RuntimeError `not-supported-yet`, always */
export function notBuilt(verb: string): Promise<never> {
  return Promise.reject(new RuntimeError('not-supported-yet', { what: `usnea ${verb} is not supported yet` }))
}
