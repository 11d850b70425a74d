import { RuntimeError } from '../base/errors.ts'
import { type ContainerId, whyNotContainerId } from '../base/ids.ts'

/** Checked before anything on disk is looked at. @throws RuntimeError `id-empty`, `id-invalid` */
export function parseId(text: string): ContainerId {
  if (text === '') throw new RuntimeError('id-empty')
  const why = whyNotContainerId(text)
  if (why !== undefined) throw new RuntimeError('id-invalid', { details: [JSON.stringify(text.slice(0, 60))], why })
  return text as ContainerId
}
