/** A clean environment: what programs need to find their way, and what the caller adds. */
import type { Host } from '../host/facts.ts'

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
/** Language, terminal and clock: they name no secret. */
const passed = /^(PATH|LANG|LANGUAGE|LC_[A-Z]+|TERM|COLORTERM|TZ|NO_COLOR|FORCE_COLOR|SHELL|USER|LOGNAME)$/

export function sandboxEnvironment(host: Host, added: Readonly<Record<string, string | undefined>>) {
  const values: Record<string, string | undefined> = { PATH: DEFAULT_PATH }
  for (const [name, value] of Object.entries(host.env)) if (passed.test(name)) values[name] = value
  if (host.home !== undefined) values.HOME = host.home
  Object.assign(values, added)
  const env = Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]))
  return { env, search: values.PATH ?? DEFAULT_PATH }
}
