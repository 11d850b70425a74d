/** Adding runtimes to a config.toml, without a change to what stands in it. */
import { readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { errnoOf, RuntimeError } from '../base/errors.ts'
import { makeDirectories, readLimited, replaceFile } from '../base/files.ts'
import { readTomlFile } from '../config/files.ts'
import { inlineSection, inlineText } from '../config/inline.ts'
import { knownSettings, stockSettings } from '../config/known.ts'
import { defaultLayer, documentLayer, mergeLayers } from '../config/layers.ts'
import { isTable } from '../config/shape.ts'
import { readToml } from '../config/toml.ts'
import type { Host } from '../host/facts.ts'
import { readDockerRuntimes } from './docker.ts'
import { buildRegistry, type RegistryFacts } from './registry.ts'

export interface ImportWish {
  /** docker's daemon.json. */
  readonly from: string
  /** The config.toml that is to have them. */
  readonly to: string
  readonly host: Host
  readonly facts: RegistryFacts
}

export interface Import {
  readonly added: readonly string[]
  /** There already, word for word. */
  readonly unchanged: readonly string[]
  /** The default runtime, when it is set by this. */
  readonly defaultName: string | undefined
  /** The whole file as it would be. */
  readonly text: string
  /** Puts it in place in one step. Throws the system error. */
  write(): void
}

const LARGEST = 1 << 20

/** All or nothing. @throws RuntimeError runtime-import, runtime-invalid, config-file-… */
export function planImport({ from, to, host, facts }: ImportWish): Import {
  const wanted = readDockerRuntimes(readSource(from), from)
  const before = readTomlFile(to, host)
  const had = isTable(before?.values.runtimes) ? before.values.runtimes : {}
  const isSame = (name: string) => isDeepStrictEqual(plain(had[name]), plain(wanted.runtimes.get(name)))
  const clashes = [...wanted.runtimes.keys()].filter((name) => Object.hasOwn(had, name) && !isSame(name))
  if (clashes.length > 0)
    throw refused(
      from,
      clashes.map((name) => `${to} has another runtime ${name}`),
    )
  const added = [...wanted.runtimes].filter(([name]) => !Object.hasOwn(had, name))
  const defaultName = before?.values['default-runtime'] === undefined ? wanted.defaultName : undefined
  const old = before === undefined ? '' : readFileSync(to, 'utf8')
  const text = [
    // Before the first table, where a key belongs to none.
    defaultName === undefined ? '' : `default-runtime = ${inlineText(defaultName)}\n`,
    old === '' || old.endsWith('\n') ? old : `${old}\n`,
    ...added.map(([name, table]) => `${old === '' ? '' : '\n'}${inlineSection(['runtimes', name], table)}`),
  ].join('')
  assertValid(text, { to, from, facts })
  return {
    added: added.map(([name]) => name),
    unchanged: [...wanted.runtimes.keys()].filter((name) => Object.hasOwn(had, name)),
    defaultName,
    text,
    write: () => write(to, text),
  }
}

const plain = (value: unknown): unknown => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)))

function readSource(from: string): string {
  try {
    return readLimited(from, LARGEST).toString('utf8')
  } catch (cause) {
    const errno = errnoOf(cause)
    throw new RuntimeError('runtime-import', { what: `cannot read ${from}`, ...(errno && { errno }), cause })
  }
}

/** What docker takes may contradict itself for us; and `runtimes = { … }` on one line takes no more tables. */
function assertValid(text: string, { to, from, facts }: { to: string; from: string; facts: RegistryFacts }): void {
  try {
    const layer = documentLayer(readToml(text, to), 'user')
    buildRegistry(mergeLayers([defaultLayer(stockSettings), layer], knownSettings), facts)
  } catch (cause) {
    if (!(cause instanceof RuntimeError)) throw cause
    throw new RuntimeError('runtime-import', {
      what: `the runtimes of ${from} cannot be imported`,
      details: [cause.message],
      cause,
    })
  }
}

function write(to: string, text: string): void {
  makeDirectories(dirname(to), 0o700)
  // A link stays one: people keep their settings elsewhere.
  const path = statSync(to, { throwIfNoEntry: false }) === undefined ? to : realpathSync(to)
  const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0o644
  replaceFile(path, text, mode & 0o777)
}

function refused(from: string, details: readonly string[]): RuntimeError {
  return new RuntimeError('runtime-import', { what: `the runtimes of ${from} cannot be imported`, details })
}
