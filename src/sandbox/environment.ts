/** A clean environment: what programs need to find their way, and what the caller adds. */
import { existsSync } from 'node:fs'
import type { Host } from '../host/facts.ts'

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
/** Language, terminal and clock: they name no secret. */
const passed = /^(PATH|LANG|LANGUAGE|LC_[A-Z]+|TERM|COLORTERM|TZ|NO_COLOR|FORCE_COLOR|SHELL|USER|LOGNAME)$/

export function sandboxEnvironment(host: Host, added: Readonly<Record<string, string | undefined>>) {
  const values: Record<string, string | undefined> = { PATH: DEFAULT_PATH }
  for (const [name, value] of Object.entries(host.env)) if (passed.test(name)) values[name] = value
  // A system account has none that is there; programs need one that can be written.
  values.HOME = host.home !== undefined && existsSync(host.home) ? host.home : '/tmp'
  Object.assign(values, added)
  const env = Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]))
  return { env, search: values.PATH ?? DEFAULT_PATH }
}
