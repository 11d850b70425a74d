/** Files of our package that are handed out. */
import { readFileSync, realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { RuntimeError } from '../base/errors.ts'
import type { Place } from '../doctor/profiles.ts'
import { packagePlace } from './version.ts'

/** @throws RuntimeError `package-incomplete` */
export function profilePlace(): Place {
  const place = packagePlace()
  if (place === undefined)
    throw new RuntimeError('package-incomplete', { details: ['there is no package.json above it'] })
  const real = (name: string) => realpathSync(fileURLToPath(new URL(name, place)))
  try {
    const seccomp = real('docs/profiles/seccomp.json')
    return { program: real('bin/usnea'), seccomp, seccompText: readFileSync(seccomp, 'utf8') }
  } catch (cause) {
    throw new RuntimeError('package-incomplete', { details: [String(cause)], cause })
  }
}
