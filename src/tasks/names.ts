/** What namespaces and tasks may be called: containerd's identifiers, so that its shims take them. */
import { RuntimeError } from '../base/errors.ts'

/** Single separators between letters and digits only: nothing hidden, nothing that leaves a directory. */
const pattern = /^[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*$/
const LONGEST = 76

export const DEFAULT_NAMESPACE = 'default'

/** The reason why not, or undefined. */
export function whyNotName(text: string): string | undefined {
  if (text === '') return 'identifier must not be empty'
  if (text.length > LONGEST) return `identifier "${text}" greater than maximum length (${LONGEST} characters)`
  if (!pattern.test(text)) return `identifier "${text}" must match ${pattern.source}`
  return undefined
}

/** @throws RuntimeError `task-name` */
export function checkName(what: 'task id' | 'exec id' | 'namespace', text: unknown): string {
  const why = typeof text === 'string' ? whyNotName(text) : 'it is no text'
  if (why !== undefined) throw new RuntimeError('task-name', { what: `invalid ${what}: ${why}` })
  return text as string
}
