// Settings from files, the environment and options: which one wins, who said it, and what a bad file is told.
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { RuntimeError } from '../../../src/base/errors.ts'
import { hostId } from '../../../src/base/ids.ts'
import { type ConfigOptions, readConfig } from '../../../src/config/config.ts'
import { environmentLayer } from '../../../src/config/environment.ts'
import { defaultLayer, mergeLayers, optionLayer, Settings } from '../../../src/config/layers.ts'
import type { Shape } from '../../../src/config/shape.ts'
import { aHost } from '../host/literal.ts'

const directory = mkdtempSync(join(tmpdir(), 'usnea-config-'))
after(() => rmSync(directory, { recursive: true }))

const uid = process.geteuid?.() ?? 0
let count = 0

function file(text: string | Uint8Array, mode = 0o644): string {
  const path = join(directory, `${count++}.toml`)
  writeFileSync(path, text)
  chmodSync(path, mode)
  return path
}

interface Setting {
  readonly system?: string
  readonly user?: string | Uint8Array
  readonly env?: Record<string, string>
  readonly options?: ConfigOptions['options']
}

async function read({ system, user, env = {}, options }: Setting) {
  const config = await readConfig(aHost({ uid: hostId(uid), env }), {
    systemFile: system === undefined ? join(directory, 'none') : file(system),
    file: file(user ?? ''),
    ...(options === undefined ? {} : { options }),
  })
  return config.settings
}

async function failure(act: Promise<unknown>): Promise<RuntimeError> {
  try {
    await act
  } catch (error) {
    assert.ok(error instanceof RuntimeError, String(error))
    return error
  }
  assert.fail('it was taken')
}

test('the later place wins, key by key, and each value knows its place', async () => {
  const settings = await read({
    system: 'default-runtime = "system"\n[runtimes.a]\npath = "/a"\nargs = ["1", "2"]\n[runtimes.b]\npath = "/b"\n',
    user: '[runtimes.a]\nargs = ["3"]\n',
    env: { USNEA_DEFAULT_RUNTIME: 'env' },
  })
  assert.deepEqual(settings.values, {
    'default-runtime': 'env',
    runtimes: { a: { path: '/a', args: ['3'] }, b: { path: '/b' } },
  })
  const [a, b, c] = ['path', 'args', 'root'].map((key) => settings.origin(['runtimes', 'a', key]))
  assert.match(`${a?.source} ${a?.place}`, /^system .*\.toml:3:1$/)
  assert.match(`${b?.source} ${b?.place}`, /^user .*\.toml:2:1$/)
  assert.equal(c, undefined)
  assert.deepEqual(settings.origin(['default-runtime']), { source: 'environment', place: '$USNEA_DEFAULT_RUNTIME' })
})

test('options win over the environment, and an empty variable is none', async () => {
  const options = optionLayer({ 'default-runtime': 'said' }, () => '--default-runtime')
  assert.equal((await read({ env: { USNEA_DEFAULT_RUNTIME: 'env' }, options })).values['default-runtime'], 'said')
  const stock = await read({ env: { USNEA_DEFAULT_RUNTIME: '' } })
  assert.equal(stock.values['default-runtime'], 'usnea')
  assert.deepEqual(stock.origin(['default-runtime']), { source: 'default', place: 'default' })
})

test('entries are all values that are no table, sorted', async () => {
  const settings = await read({ user: '[runtimes.b]\npath = "/b"\n[runtimes.a]\n' })
  assert.deepEqual(
    settings.entries().map(({ path, value }) => [path.join('.'), value]),
    [
      ['default-runtime', 'usnea'],
      ['runtimes.a', {}],
      ['runtimes.b.path', '/b'],
    ],
  )
})

test('a value that takes the place of a table leaves no origin of what was in it', () => {
  const over = new Settings([
    defaultLayer({ a: { b: { c: 1 } } }),
    optionLayer({ a: { b: 2 } }),
    optionLayer({ a: {} }),
  ])
  assert.deepEqual(over.values, { a: { b: 2 } })
  assert.deepEqual(
    over.entries().map(({ path }) => path.join('.')),
    ['a.b'],
  )
  const filled = new Settings([defaultLayer({ a: {} }), optionLayer({ a: { b: 1 } })])
  assert.deepEqual(
    filled.entries().map(({ path }) => path.join('.')),
    ['a.b'],
  )
})

test('no layer changes another one', () => {
  const first = { a: { b: 1 } }
  mergeLayers([defaultLayer(first), optionLayer({ a: { b: 2 } })], { kind: 'any' })
  assert.deepEqual(first, { a: { b: 1 } })
})

const broken: [name: string, text: string | Uint8Array, code: string, words: RegExp][] = [
  ['a text without quotes', 'a = 1\nb = x y\n', 'config-file-syntax', /\.toml:2:\d+: this is not TOML; cause: /],
  ['a key said twice', 'default-runtime = "a"\ndefault-runtime = "b"\n', 'config-file-syntax', /\.toml:2:1: /],
  ['a byte that is not UTF-8', Buffer.from('a = 1\nb = "\xff"\n', 'latin1'), 'config-file-syntax', /\.toml:2:6: /],
  ['__proto__', '[runtimes.__proto__]\npath = "/x"\n', 'config-file-syntax', /\.toml:1:/],
  ['lists a thousand deep', `a = ${'['.repeat(1000)}`, 'config-file-syntax', /\.toml:1:/],
  [
    'an unknown key',
    '\n  [runtime.x]\n',
    'config-file-invalid',
    /\.toml:2:3: unknown key "runtime": did you mean runtimes\?/,
  ],
  [
    'an unknown key of a runtime',
    '[runtimes.x]\npaht = ""\n',
    'config-file-invalid',
    /\.toml:2:1: .*did you mean path\?/,
  ],
  [
    'a wrong type',
    '[runtimes.x]\nargs = ["a", 1]\n',
    'config-file-invalid',
    /\.toml:2:14: runtimes\.x\.args\[1\] must be a text/,
  ],
  ['more than a mebibyte', `#${' '.repeat(1 << 20)}`, 'config-file-unreadable', /longer than 1048576 bytes/],
]

for (const [name, text, code, words] of broken) {
  test(`${name} is one clear error`, async () => {
    const error = await failure(read({ user: text }))
    assert.equal(error.code, code)
    assert.match(error.message, words)
    assert.doesNotMatch(error.message, /\n/)
  })
}

test('a mistake is told even when a later place covers it', async () => {
  const error = await failure(read({ system: 'default-runtime = 1', user: 'default-runtime = "x"' }))
  assert.match(error.message, /toml:1:1: default-runtime must be a text/)
})

test('a file that others may write to is not obeyed, also behind a link', async () => {
  const open = file('', 0o666)
  const link = join(directory, 'link')
  symlinkSync(open, link)
  const host = aHost({ uid: hostId(uid), env: {} })
  for (const path of [open, link]) {
    const error = await failure(readConfig(host, { file: path, systemFile: join(directory, 'none') }))
    assert.equal(error.code, 'config-file-untrusted')
    assert.match(error.message, /others may write to it \(mode 0666\); fix: chmod go-w /)
  }
})

test('a file of another user is not obeyed, unless that is root', async () => {
  const other = { uid: hostId(uid + 1), env: {} }
  const act = readConfig(aHost(other), { file: file(''), systemFile: join(directory, 'none') })
  if (uid === 0) return void (await act)
  const error = await failure(act)
  assert.equal(error.code, 'config-file-untrusted')
  assert.match(error.message, new RegExp(`belongs to user ${uid} and we are user ${uid + 1}`))
})

test('a named file must be there, the usual ones need not', async () => {
  const host = aHost({ uid: hostId(uid), env: { USNEA_CONFIG: 'gone.toml' }, cwd: directory })
  const error = await failure(readConfig(host, { systemFile: join(directory, 'none') }))
  assert.equal(error.code, 'config-file-unreadable')
  assert.match(error.message, new RegExp(`cannot read ${directory}/gone.toml: no such file`))
})

test('a directory in place of the file is told with its errno', async () => {
  const act = readConfig(aHost({ uid: hostId(uid), env: {} }), { file: directory, systemFile: join(directory, 'none') })
  assert.match((await failure(act)).message, /is a directory/)
})

const variables = {
  kind: 'table',
  keys: {
    a: { kind: 'table', keys: { n: { kind: 'integer', env: 'N', least: 2 }, on: { kind: 'boolean', env: 'ON' } } },
    t: { kind: 'text', env: 'T' },
  },
} as const satisfies Shape

test('variables are read by the type of their setting, and checked like it', () => {
  assert.deepEqual(environmentLayer({ N: '3', ON: 'True', T: 'x' }, variables).values, {
    a: { n: 3, on: true },
    t: 'x',
  })
  assert.throws(() => environmentLayer({ ON: 'yes' }, variables), /\$ON: "yes" is not true or false/)
  assert.throws(() => environmentLayer({ N: '0x3' }, variables), /\$N: "0x3" is not a number/)
  assert.throws(() => mergeLayers([environmentLayer({ N: '1' }, variables)], variables), /\$N: 1 is less than 2/)
})
