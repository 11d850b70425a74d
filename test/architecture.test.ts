// Needs nothing: the house of docs/architecture.md. Imports go down, packages have one room, the outside world few.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { test } from 'node:test'

const floors: Record<string, number> = {
  base: 0,
  spec: 0,
  host: 1,
  kernel: 1,
  linux: 2,
  launch: 3,
  state: 3,
  container: 4,
  config: 4,
  sandbox: 5,
  tasks: 5,
  runtimes: 5,
  doctor: 5,
  cli: 6,
}
/** On its own floor a room may use only this one. */
const mayUseBeside: Record<string, string> = { spec: 'base', tasks: 'runtimes' }
/** A package is imported in exactly one room; Protocol Buffers are spoken with criu and with shims. */
const packages: Record<string, string> = {
  koffi: 'kernel',
  yargs: 'cli',
  'env-paths': 'state',
  pino: 'base',
  execa: 'base',
  pbf: 'linux tasks',
  'smol-toml': 'config',
}

interface Import {
  readonly file: string
  readonly room: string
  /** A path below src for ours, a package or `node:` name otherwise. */
  readonly target: string
}

const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
const roomOf = (file: string) => (file.includes('/') ? (file.split('/')[0] ?? '') : 'door')
const source = (file: string) => readFileSync(join('src', file), 'utf8')
/** Comments may name what code may not touch. */
const code = (file: string) =>
  source(file)
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '')

const imports: Import[] = files.flatMap((file) =>
  [
    ...source(file).matchAll(
      /^\s*(?:import|export)\b[^'"\n;]*?\bfrom\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)|^\}\s*from\s*['"]([^'"]+)['"]|^import\s*['"]([^'"]+)['"]/gm,
    ),
  ].map((found) => {
    const name = found.slice(1).find((group) => group !== undefined) ?? ''
    return { file, room: roomOf(file), target: name.startsWith('.') ? normalize(join(dirname(file), name)) : name }
  }),
)

test('there is something to check', () => assert.ok(imports.length > 100, `${imports.length} imports found`))

test('every room is known', () => {
  for (const file of files) assert.ok(roomOf(file) in floors || roomOf(file) === 'door', file)
})

test('imports go down, or stay in their room', () => {
  const ours = imports.filter(({ target, room }) => files.includes(target) && room !== 'door')
  const up = ours.filter(
    ({ room, target }) =>
      roomOf(target) !== room &&
      (floors[roomOf(target)] ?? 9) >= (floors[room] ?? 0) + (mayUseBeside[room] === roomOf(target) ? 1 : 0),
  )
  assert.deepEqual(up, [])
})

test('every import names a file that is there', () => {
  const isOurs = (target: string) => target.endsWith('.ts') || (target.includes('/') && !/^(node:|@)/.test(target))
  assert.deepEqual(
    imports.filter(({ target }) => isOurs(target) && !files.includes(target)),
    [],
  )
})

/** The files that lead back to one of `seen`, in the order in which they import each other. */
function circleFrom(file: string, seen: readonly string[], safe: Set<string>): readonly string[] | undefined {
  if (seen.includes(file)) return [...seen.slice(seen.indexOf(file)), file]
  if (safe.has(file)) return undefined
  for (const { target } of imports.filter((one) => one.file === file && files.includes(one.target))) {
    const circle = circleFrom(target, [...seen, file], safe)
    if (circle !== undefined) return circle
  }
  safe.add(file)
  return undefined
}

// Also for types alone: what two files need of each other belongs in a third, or they are one.
test('no file imports itself by way of others', () => {
  const safe = new Set<string>()
  assert.deepEqual(
    files.flatMap((file) => circleFrom(file, [], safe) ?? []),
    [],
  )
})

test('the only packages are those of package.json, each in its one room', () => {
  const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as { dependencies: Record<string, string> }
  assert.deepEqual(Object.keys(dependencies).sort(), Object.keys(packages).sort())
  const foreign = imports.filter(
    ({ target }) => !files.includes(target) && !target.startsWith('node:') && !target.startsWith('/'),
  )
  assert.deepEqual(
    foreign.filter(
      ({ target, room, file }) => !packages[target]?.split(' ').includes(room) && !file.startsWith('spec/schema/'),
    ),
    [],
  )
})

test('the environment is read in host, and where the command line begins', () => {
  // Where the process of a configuration is at hand by that name, it is that one's environment.
  const isOther = /[({,]\s*process\s*[,:}?)]|\b(const|let)\s+process\b/
  const withoutStrings = (file: string) => code(file).replace(/'[^'\n]*'|"[^"\n]*"/g, '')
  const readers = files.filter(
    (file) => /(?<![.\w])process\.env\b/.test(withoutStrings(file)) && !isOther.test(code(file)),
  )
  assert.deepEqual(
    readers.filter((file) => roomOf(file) !== 'host' && !/^cli\/(entry|main|io)\.ts$/.test(file)),
    [],
  )
})

test('/proc and /sys are read by the rooms that know them', () => {
  const readers = files.filter(
    (file) =>
      /['"`]\/(proc|sys)\//.test(code(file)) &&
      /\b(readFile|readFileSync|readdir|readlink|open|openSync|statSync|stat)\w*\(/.test(code(file)),
  )
  assert.deepEqual(
    readers.filter((file) => !['host', 'kernel', 'linux', 'launch', 'state'].includes(roomOf(file))),
    [],
  )
})

test('spec does no I/O', () => {
  const forbidden = ['node:fs', 'node:fs/promises', 'node:child_process', 'node:net', 'node:os']
  assert.deepEqual(
    imports.filter(
      ({ room, target, file }) => room === 'spec' && forbidden.includes(target) && !file.startsWith('spec/schema/'),
    ),
    [],
  )
})
