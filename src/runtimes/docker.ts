/** Runtimes of docker's daemon.json, as settings of ours. Pure. */
import { RuntimeError } from '../base/errors.ts'
import { isTable, type Table } from '../config/shape.ts'

export interface DockerRuntimes {
  /** By name, in the words of config.toml. */
  readonly runtimes: ReadonlyMap<string, Table>
  /** The default runtime; undefined where it is docker's own, or none was said. */
  readonly defaultName: string | undefined
}

/** What docker has without being told, so that it cannot be in the file. */
const stock: readonly string[] = ['runc', 'io.containerd.runc.v2', 'io.containerd.runtime.v1.linux']
const words: Readonly<Record<string, string>> = {
  path: 'path',
  runtimeArgs: 'args',
  runtimeType: 'type',
  options: 'options',
}

/** Names stay as they are: docker lowers those of its command line, and not those of this file. Throws runtime-import. */
export function readDockerRuntimes(text: string, file: string): DockerRuntimes {
  const config = readJson(text, file)
  const runtimes = config.runtimes ?? {}
  const problems: string[] = []
  if (!isTable(runtimes)) throw refused(file, ['runtimes is no object'])
  const found = new Map<string, Table>()
  for (const [name, entry] of Object.entries(runtimes)) {
    const unknown = isTable(entry) ? Object.keys(entry).filter((key) => !Object.hasOwn(words, key)) : []
    if (!isTable(entry)) problems.push(`runtime ${name} is no object`)
    else if (unknown.length > 0) problems.push(`runtime ${name}: unknown key "${unknown.join('", "')}"`)
    else found.set(name, translated(entry))
  }
  const chosen = config['default-runtime']
  if (chosen !== undefined && typeof chosen !== 'string') problems.push('default-runtime is no text')
  if (problems.length > 0) throw refused(file, problems)
  const isOurs = typeof chosen === 'string' && chosen !== '' && !stock.includes(chosen)
  return { runtimes: found, defaultName: isOurs ? chosen : undefined }
}

/** docker writes what it does not have as empty or null. */
function translated(entry: Table): Table {
  const given = Object.entries(entry).filter(
    ([, value]) => value !== null && value !== '' && !(Array.isArray(value) && value.length === 0),
  )
  return Object.fromEntries(given.map(([key, value]) => [words[key] ?? key, withoutNull(value)]))
}

/** TOML has no null. */
function withoutNull(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((one) => one !== null).map(withoutNull)
  if (!isTable(value)) return value
  const pairs = Object.entries(value).filter(([, inner]) => inner !== null)
  return Object.fromEntries(pairs.map(([key, inner]) => [key, withoutNull(inner)]))
}

function readJson(text: string, file: string): Table {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw refused(file, [`it is not JSON: ${cause instanceof Error ? cause.message : cause}`], cause)
  }
  if (!isTable(value)) throw refused(file, ['it is no JSON object'])
  return value
}

function refused(file: string, details: readonly string[], cause?: unknown): RuntimeError {
  return new RuntimeError('runtime-import', {
    what: `the runtimes of ${file} cannot be imported`,
    details,
    ...(cause === undefined ? {} : { cause }),
  })
}
