import { error, type Issue, warning } from '../../base/issue.ts'
import { quote } from '../quote.ts'
import type { Spec } from '../types.ts'
import type { Loose } from './loose.ts'

/** The version of the specification that this code was written for. */
export const SPEC_VERSION = '1.3.0'

const KNOWN_MINOR = 3
/** https://semver.org: numbers without leading zeros, then optionally a pre-release and build data. */
const number = '(0|[1-9]\\d*)'
const words = '[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*'
const semver = new RegExp(`^${number}\\.${number}\\.${number}(?:-${words})?(?:\\+${words})?$`)

/** A document of another major version means something else; one of a newer minor version may hold what we do not know. */
export function versionIssues(spec: Loose<Spec>): Issue[] {
  const pointer = '/ociVersion'
  const version = spec.ociVersion
  if (version === undefined) return [error(pointer, 'the version of the specification is missing')]
  const match = semver.exec(version)
  if (match === null) return [error(pointer, `must be a version such as ${SPEC_VERSION}, found ${quote(version)}`)]
  if (match[1] !== '1') return [error(pointer, `only version 1 of the specification is known, found ${quote(version)}`)]
  if (Number(match[2]) <= KNOWN_MINOR) return []
  return [warning(pointer, `${quote(version)} is newer than ${SPEC_VERSION}; what it added is ignored`)]
}
