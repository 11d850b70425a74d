/** Our own version, from package.json: it lies above both src/ and dist/, however the code was bundled. */
import { readFileSync } from 'node:fs'
import { SPEC_VERSION } from '../spec/rules/version.ts'

/** go-runc and podman read these lines: `spec: ` and the first one. */
export function versionText(): string {
  return `usnea version ${readVersion()}\nspec: ${SPEC_VERSION}\nnode: ${process.version}\n`
}

/** The version in package.json; `unknown` when the code was cut out of its package. */
export function readVersion(from: string = import.meta.url): string {
  let place = new URL('.', from)
  for (;;) {
    const found = readPackage(new URL('package.json', place))
    if (found?.name === 'usnea') return found.version
    const above = new URL('..', place)
    if (above.href === place.href) return 'unknown'
    place = above
  }
}

function readPackage(path: URL): { name: string; version: string } | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}
