/** The bats tests of a checkout of runc, each file on its own. */
import { chownSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram } from '../fixtures/needs.ts'
import { RANGE_SIZE } from '../fixtures/users.ts'
import type { Place, Plan, Suite } from './suite.ts'
import { has, missingPrograms } from './wanted.ts'

const tests = (checkout: string) => join(checkout, 'tests/integration')
const helpers = ['recvtty', 'sd-helper', 'seccompagent', 'fs-idmap', 'pidfd-kill', 'remap-rootfs']

export const runc: Suite = {
  missing: (checkout, mode) => [
    ...(has(tests(checkout), 'helpers.bash')
      ? []
      : [`${checkout} is no checkout of runc: tests/integration/helpers.bash is missing`]),
    ...(helpers.every((name) => has(checkout, 'tests/cmd/_bin', name) || has(checkout, 'contrib/cmd', name))
      ? []
      : ['the helper programs of the suite: run `make test-binaries` in the checkout (needs Go)']),
    ...(['busybox', 'debian'].every((name) => has(checkout, 'tests/integration/testdata', new RegExp(`^${name}-.*tar`)))
      ? []
      : ['the images of the suite: run tests/integration/get-images.sh in the checkout (downloads them)']),
    ...missingPrograms({ bats: 'bats', jq: 'jq', ip: 'iproute2', script: 'bsdutils', gawk: 'gawk' }),
    ...(mode === 'ranges' ? missingPrograms({ newuidmap: 'uidmap' }) : []),
  ],
  list: (checkout) =>
    readdirSync(tests(checkout))
      .filter((name) => name.endsWith('.bats'))
      .map((name) => name.slice(0, -'.bats'.length))
      .sort(),
  plan: (name, place): Plan => ({
    argv: [findProgram('bats') ?? 'bats', '--tap', `${name}.bats`],
    cwd: tests(place.checkout),
    env: { RUNC: place.runtime, ...identity(place) },
    needsTerminal: true,
    propagation: 'private',
  }),
}

/** An id inside, whose own directory the suite wants to be given; its containers begin with the id 1000. */
const AUX_UID = 1024

/** The variables that the suite's own rootless.sh sets for a user with ids to map. */
function identity({ mode, ranges, scratch }: Place): Record<string, string> {
  if (mode === 'root') return {}
  const own = { ROOTLESS_FEATURES: '', XDG_RUNTIME_DIR: scratch }
  if (mode === 'plain' || ranges === undefined) return own
  const [start, length] = [String(ranges), String(RANGE_SIZE)]
  const aux = join(scratch, 'aux')
  mkdirSync(aux)
  chownSync(aux, ranges + AUX_UID - 1000, ranges + AUX_UID - 1000)
  return {
    ...own,
    ROOTLESS_FEATURES: 'idmap',
    ROOTLESS_AUX_DIR: aux,
    ROOTLESS_AUX_UID: String(AUX_UID),
    ROOTLESS_UIDMAP_START: start,
    ROOTLESS_UIDMAP_LENGTH: length,
    ROOTLESS_GIDMAP_START: start,
    ROOTLESS_GIDMAP_LENGTH: length,
  }
}
