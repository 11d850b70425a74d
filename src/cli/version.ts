/** Our own version, from package.json: it lies above both src/ and dist/, however the code was bundled. */
import { readFileSync } from 'node:fs'
import { SPEC_VERSION } from '../spec/rules/version.ts'

/** Put in by bundle.mjs when it builds from a checkout; not there when the source itself runs. */
declare const __USNEA_COMMIT__: string | undefined

/** The commit that the command line was built from, with `-dirty` behind it for changed files; undefined when unknown. */
export function readCommit(): string | undefined {
  return (typeof __USNEA_COMMIT__ === 'undefined' ? undefined : __USNEA_COMMIT__) || undefined
}

/**
 * podman and people read the first line. go-runc looks for lines that begin with `commit: ` and `spec: `; its version
 * stays empty, which is no error there, because it knows `runc version ` alone.
 */
export function versionText(): string {
  const commit = readCommit()
  const lines = [
    `usnea version ${readVersion()}`,
    ...(commit === undefined ? [] : [`commit: ${commit}`]),
    `spec: ${SPEC_VERSION}`,
    `node: ${process.version}`,
  ]
  return `${lines.join('\n')}\n`
}

/** The version in package.json; `unknown` when the code was cut out of its package. */
export function readVersion(from: string = import.meta.url): string {
  const place = packagePlace(from)
  return (place && readPackage(new URL('package.json', place))?.version) ?? 'unknown'
}

/** Our package, or the checkout; undefined when the code was cut out of it. */
export function packagePlace(from: string = import.meta.url): URL | undefined {
  let place = new URL('.', from)
  for (;;) {
    if (readPackage(new URL('package.json', place))?.name === 'usnea') return place
    const above = new URL('..', place)
    if (above.href === place.href) return undefined
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
