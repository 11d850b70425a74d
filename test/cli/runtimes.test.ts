// `usnea runtimes`, with real runtimes where they are installed. Needs nothing else.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { hostId } from '../../src/base/ids.ts'
import { askFeatures } from '../../src/runtimes/features.ts'
import { wrapperFor } from '../../src/runtimes/wrapper.ts'
import { scratch } from '../fixtures/command-line.ts'
import { runtimePath } from '../fixtures/install.ts'
import { findProgram, whyNotFound } from '../fixtures/needs.ts'

const usnea = await runtimePath()
const home = join(scratch, 'home')
mkdirSync(join(home, 'usnea'), { recursive: true })

interface Calling {
  readonly config: string
  readonly env?: Record<string, string>
}

function runtimes({ config, env = {} }: Calling, ...args: string[]) {
  writeFileSync(join(home, 'usnea/config.toml'), config, { mode: 0o600 })
  const { status, stdout, stderr } = spawnSync(usnea, ['--root', join(scratch, 'state'), 'runtimes', ...args], {
    env: {
      XDG_CONFIG_HOME: home,
      XDG_CACHE_HOME: join(scratch, 'cache'),
      HOME: home,
      PATH: process.env.PATH ?? '',
      ...env,
    },
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

const config =
  'default-runtime = "gone"\n[runtimes.gone]\npath = "/nowhere/gone"\n[runtimes.k]\ntype = "io.containerd.kata.v2"\n'

test('list shows each runtime, its program, and where it was said', () => {
  const { status, stdout } = runtimes({ config }, 'list')
  assert.equal(status, 0)
  assert.match(stdout, /^NAME +KIND +PROGRAM +SAID IN\nusnea +oci +\/.*bin\/usnea +stock\n/)
  assert.match(stdout, /^gone \* +oci +\/nowhere\/gone \(missing\) +\/.*config\.toml:2:1$/m)
  assert.match(stdout, /^k +shim /m)
  const [first] = JSON.parse(runtimes({ config }, 'list', '--json').stdout)
  assert.deepEqual([first.name, first.kind, first.root], ['usnea', 'oci', join(scratch, 'state/@runtimes/usnea')])
})

test('show asks our own runtime what it can do', () => {
  const { status, stdout } = runtimes({ config }, 'show', 'usnea')
  assert.equal(status, 0)
  assert.match(stdout, /^features {2}runtime-spec 1\.0\.0 to 1\.\d+\.\d+$/m)
  assert.match(runtimes({ config }, 'show', 'crnu').stderr, /^usnea: unknown or invalid runtime name: crnu; /)
})

test('check names what cannot be used, with status 1, and is silent about the rest', () => {
  const { status, stdout, stderr } = runtimes({ config }, 'check')
  assert.equal(status, 1)
  assert.match(stdout, /^ok {5}usnea: runtime-spec/m)
  assert.match(stdout, /^unfit {2}gone: error while looking up/m)
  assert.match(stderr, /^usnea: a runtime cannot be used: gone: error while looking up [^\n]*\n$/)
  assert.equal(runtimes({ config }, 'check', 'usnea').status, 0)
})

test('import takes docker’s runtimes over, once', () => {
  const daemon = join(scratch, 'daemon.json')
  writeFileSync(daemon, JSON.stringify({ runtimes: { crun: { path: 'crun', runtimeArgs: ['--debug'] } } }))
  const shown = runtimes({ config: '' }, 'import', '--dry-run', daemon)
  assert.equal(shown.stdout, '[runtimes.crun]\npath = "crun"\nargs = ["--debug"]\n')
  assert.equal(readFileSync(join(home, 'usnea/config.toml'), 'utf8'), '')
  assert.equal(runtimes({ config: '' }, 'import', daemon).stdout, 'added      crun\n')
  const text = readFileSync(join(home, 'usnea/config.toml'), 'utf8')
  assert.equal(text, shown.stdout)
  assert.equal(runtimes({ config: text }, 'import', daemon).stdout, 'unchanged  crun\n')
})

test('anything else is wrong usage', () => {
  for (const words of [['add'], ['show'], ['list', 'x'], ['import']])
    assert.match(runtimes({ config }, ...words).stderr, /use runtimes list, show NAME, check \[NAME\] or import FILE/)
})

for (const name of ['runc', 'crun', 'usnea']) {
  const path = name === 'usnea' ? usnea : findProgram(name)
  const skip = path === undefined ? whyNotFound(name, name) : undefined
  test(`${name} answers the same with a wrapper, and its own arguments reach it`, { skip }, async () => {
    const uid = hostId(process.geteuid?.() ?? 0)
    const place = { directory: join(scratch, 'wrappers'), uid }
    const log = join(scratch, `a log of '${name}' $(true)`)
    const args = ['--log', log]
    const wrapped = wrapperFor({ name, path: path ?? '', args }, place)
    const wish = { env: { PATH: process.env.PATH, HOME: home }, timeout: 10_000 }
    const bare = await askFeatures({ path: path ?? '', args }, wish)
    assert.deepEqual(await askFeatures({ path: wrapped, args: [] }, wish), bare)
    assert.notEqual(bare.kind, 'failed')
    // Each of them writes its error into the file that only the arguments of the wrapper name.
    assert.notEqual(spawnSync(wrapped, ['--root', join(scratch, 'none'), 'state', 'no-such-box']).status, 0)
    assert.match(readFileSync(log, 'utf8'), /no-such-box|does not exist/)
  })
}
