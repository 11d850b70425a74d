/** What is there and what is not, in a checkout and on the machine. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { entries, findProgram } from '../fixtures/needs.ts'

/** Is there such a file? The last part may be a pattern for its name. */
export function has(...parts: [...string[], string | RegExp]): boolean {
  const last = parts.at(-1) ?? ''
  const folder = join(...(parts.slice(0, -1) as string[]))
  return typeof last === 'string' ? existsSync(join(folder, last)) : entries(folder).some((name) => last.test(name))
}

/** Programs of the PATH, with the Debian packages that have them. */
export function missingPrograms(wanted: Readonly<Record<string, string>>): string[] {
  return Object.entries(wanted)
    .filter(([name]) => findProgram(name) === undefined)
    .map(([name, debian]) => `the program ${name}: apt-get install ${debian}`)
}
