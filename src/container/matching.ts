/** Verbs for every container whose id a regular expression finds: `kill --regex`, `delete --regex`. */
import { isRuntimeError, RuntimeError } from '../base/errors.ts'
import type { ContainerId } from '../base/ids.ts'
import { listIds } from '../state/read-record.ts'

/**
 * Calls `act` for each; one that fails does not keep the others from their turn, and the failures become one error.
 * Nothing that matches is no failure, as for crun.
 * @throws RuntimeError `usage` for a bad expression, the error of a single failure, or `some-failed`
 */
export async function forMatching(
  root: string,
  pattern: string,
  act: (id: ContainerId) => Promise<void>,
): Promise<void> {
  const expression = compile(pattern)
  const failures: { readonly id: string; readonly error: unknown }[] = []
  for (const id of listIds(root).filter((name) => expression.test(name)))
    try {
      await act(id)
    } catch (error) {
      failures.push({ id, error })
    }
  const [only, ...more] = failures
  if (only === undefined) return
  if (more.length === 0 && isRuntimeError(only.error)) throw only.error
  const details = failures.map(({ id, error }) => `${id}: ${error instanceof Error ? error.message : String(error)}`)
  throw new RuntimeError('some-failed', { details })
}

function compile(pattern: string): RegExp {
  try {
    return new RegExp(pattern)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new RuntimeError('usage', { what: `invalid regular expression ${JSON.stringify(pattern)}`, why, cause })
  }
}
