// The registry: what may be configured, what contradicts itself, what stays whatever is said, and reload.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isRuntimeError } from '../../../src/base/errors.ts'
import { resolveRuntime } from '../../../src/runtimes/resolve.ts'
import { directory, facts, living, program, registryOf } from './place.ts'

const crun = program('path/crun')
const kata = program('path/containerd-shim-kata-v2')

function refusal(...texts: string[]): string {
  try {
    registryOf(...texts)
  } catch (error) {
    assert.ok(isRuntimeError(error), String(error))
    return error.message
  }
  assert.fail('it was taken')
}

test('ours is always there, and the default', () => {
  const registry = registryOf('')
  assert.deepEqual([...registry.runtimes.keys()], ['usnea', 'io.containerd.usnea.v2'])
  assert.deepEqual(resolveRuntime(undefined, registry), {
    kind: 'oci',
    name: 'usnea',
    path: `${directory}/ours/usnea`,
    args: [],
    root: `${directory}/state/usnea`,
  })
  assert.equal(resolveRuntime('', registry).name, 'usnea')
  assert.deepEqual(resolveRuntime('io.containerd.usnea.v2', registry), {
    kind: 'shim',
    name: 'io.containerd.usnea.v2',
    type: 'io.containerd.usnea.v2',
    binary: `${directory}/ours/containerd-shim-usnea-v2`,
    options: undefined,
  })
})

test('no program in PATH takes the place of our shim', () => {
  program('path/containerd-shim-usnea-v2')
  const found = resolveRuntime('io.containerd.usnea.v2', registryOf(''))
  assert.equal(found.kind === 'shim' && found.binary, `${directory}/ours/containerd-shim-usnea-v2`)
})

test('a runtime is a path with args, or a type with options', () => {
  const registry = registryOf(
    'default-runtime = "c"\n[runtimes.c]\npath = "crun"\nargs = ["--log", "/a b"]\n[runtimes.k]\ntype = "io.containerd.kata.v2"\noptions = { ConfigPath = "/k.toml" }\n',
  )
  const c = { kind: 'oci', name: 'c', path: crun, args: ['--log', '/a b'], root: `${directory}/state/c` }
  assert.deepEqual(resolveRuntime(undefined, registry), c)
  assert.deepEqual(resolveRuntime('k', registry), {
    kind: 'shim',
    name: 'k',
    type: 'io.containerd.kata.v2',
    binary: kata,
    options: { ConfigPath: '/k.toml' },
  })
})

test('a configured type may be a path, because who writes the settings is trusted', () => {
  const found = resolveRuntime('k', registryOf(`[runtimes.k]\ntype = "${kata}"\n`))
  assert.equal(found.kind === 'shim' && found.binary, kata)
})

const contradictions: [text: string, words: RegExp][] = [
  ['[runtimes.x]\n', /1\.toml:1:1: runtime x: either a type or a path must be configured/],
  [
    '[runtimes.x]\npath = "a"\ntype = "a.b"\n',
    /1\.toml:2:1 and 1\.toml:3:1: runtime x: cannot configure both path and type/,
  ],
  ['[runtimes.x]\npath = "a"\n[runtimes.x.options]\nA = 1\n', /options cannot be used with a path/],
  ['[runtimes.x]\ntype = "a.b"\nargs = []\n', /args cannot be used with a type/],
  ['[runtimes.x]\ntype = "a.b"\nroot = "/r"\n', /root cannot be used with a type/],
  ['[runtimes.x]\npath = "./crun"\n', /path must be absolute, or a name to look up in PATH, and \.\/crun is neither/],
  ['[runtimes.x]\npath = ""\n', /path must not be empty/],
  ['[runtimes.x]\npath = "a"\nargs = ["a\\u0000b"]\n', /no argument can hold a NUL/],
  ['[runtimes.x]\npath = "a"\nroot = "r"\n', /root must be an absolute path, and not \//],
  ['[runtimes.x]\npath = "a"\nroot = "//"\n', /root must be an absolute path, and not \//],
  ['[runtimes.x]\ntype = "kata"\n', /type must be like io\.containerd\.kata\.v2, or the absolute path of a shim/],
  ['[runtimes.x]\ntype = "./a.b"\n', /type must be like/],
  ['[runtimes.usnea]\npath = "/bin/true"\n', /runtime name 'usnea' is reserved/],
  ['[runtimes."io.containerd.usnea.v2"]\npath = "/bin/true"\n', /runtime name 'io\.containerd\.usnea\.v2' is reserved/],
  ['[runtimes.""]\npath = "a"\n', /a runtime needs a name/],
  [
    'default-runtime = "nope"\n',
    /^specified default runtime 'nope' does not exist \(1\.toml:1:1\); fix: use one of usnea/,
  ],
  ['default-runtime = "/bin/sh"\n', /specified default runtime '\/bin\/sh' does not exist/],
]

for (const [text, words] of contradictions) {
  test(`${JSON.stringify(text)} is refused in words`, () => assert.match(refusal(text), words))
}

test('a contradiction of two files names both', () =>
  assert.match(
    refusal('[runtimes.x]\npath = "a"\n', '[runtimes.x]\ntype = "a.b"\n'),
    /1\.toml:2:1 and 2\.toml:2:1: runtime x: cannot configure both/,
  ))

test('all contradictions are told at once', () =>
  assert.equal(refusal('[runtimes.x]\n[runtimes.y]\n[runtimes.usnea]\npath = "a"\n').match(/runtime /g)?.length, 4))

test('[F] 2.2 a reserved entry is refused in words, and not written over in silence', () =>
  assert.match(
    refusal('[runtimes.usnea]\npath = "/bin/evil"\n'),
    /1\.toml:2:1: runtime usnea: runtime name 'usnea' is reserved/,
  ))

test('[F] 2.3 each runtime has its own state root', () => {
  const registry = registryOf(
    '[runtimes.a]\npath = "crun"\n[runtimes."a/b"]\npath = "crun"\n[runtimes.A]\npath = "crun"\n',
  )
  const roots = ['usnea', 'a', 'a/b', 'A'].map((name) => {
    const found = resolveRuntime(name, registry)
    return found.kind === 'oci' ? found.root : ''
  })
  assert.equal(new Set(roots).size, 4)
  for (const root of roots) assert.match(root.slice(facts.stateRoot.length), /^\/[^/]+$/)
  assert.match(
    refusal('[runtimes.a]\npath = "x"\nroot = "/r"\n[runtimes.b]\npath = "y"\nroot = "/r/"\n'),
    /share the state directory \/r/,
  )
  assert.match(
    refusal('[runtimes.a]\npath = "x"\nroot = "/r"\n[runtimes.b]\npath = "y"\nroot = "/r/in"\n'),
    /share the state/,
  )
  assert.match(refusal(`[runtimes.a]\npath = "x"\nroot = "${facts.stateRoot}"\n`), /usnea and a share the state/)
})

test('[F] 2.5 what an entry lacks is filled in where it is kept, and the same each time it is asked for', () => {
  const registry = registryOf('[runtimes.c]\npath = "crun"\n')
  const [first, second] = [resolveRuntime('c', registry), resolveRuntime('c', registry)]
  assert.deepEqual(first, second)
  const kept = registry.runtimes.get('c')
  assert.equal(kept?.kind === 'oci' && kept.root, first.kind === 'oci' && first.root)
})

test("[F] 2.7 an answer is the caller's own: what is done to it changes nothing in the registry", () => {
  const registry = registryOf(
    '[runtimes.c]\npath = "crun"\nargs = ["--debug"]\n[runtimes.k]\ntype = "io.containerd.kata.v2"\noptions = { a = [1] }\n',
  )
  const before = ['c', 'k'].map((name) => JSON.stringify(resolveRuntime(name, registry)))
  const [c, k] = [resolveRuntime('c', registry), resolveRuntime('k', registry)]
  assert.ok(c.kind === 'oci' && k.kind === 'shim')
  Object.assign(c.args, ['--evil'])
  Object.assign(k.options?.a ?? [], [2])
  assert.deepEqual(
    ['c', 'k'].map((name) => JSON.stringify(resolveRuntime(name, registry))),
    before,
  )
})

const unknown: [name: string, words: RegExp][] = [
  ['crnu', /^unknown or invalid runtime name: crnu; fix: use crun/],
  ['/usr/bin/crun', /^unknown or invalid runtime name: \/usr\/bin\/crun/],
  ['../crun.v2', /^unknown or invalid runtime name/],
  ['.foo', /^unknown or invalid runtime name/],
  ['x\u001b[2J', /^unknown or invalid runtime name: x\\u001b\[2J/],
  ['__proto__', /^unknown or invalid runtime name/],
  [
    'gone',
    /^error while looking up the specified runtime path: exec: "\/nowhere\/crun": no such file or directory \(1\.toml:\d/,
  ],
  ['notinpath', /exec: "nothere": executable file not found in \$PATH/],
  ['closed', /exec: ".*\/closed": permission denied/],
  ['folder', /exec: ".*": permission denied/],
  [
    'io.containerd.nope.v2',
    /^runtime "io\.containerd\.nope\.v2" binary not installed "containerd-shim-nope-v2" \(name\)/,
  ],
]

for (const [name, words] of unknown) {
  test(`${JSON.stringify(name)} is a known error`, () => {
    const closed = program('closed', '', 0o644)
    const registry = registryOf(
      `[runtimes.crun]\npath = "crun"\n[runtimes.gone]\npath = "/nowhere/crun"\n[runtimes.notinpath]\npath = "nothere"\n[runtimes.closed]\npath = "${closed}"\n[runtimes.folder]\npath = "${directory}"\n`,
    )
    assert.throws(
      () => resolveRuntime(name, registry),
      (error: Error) => isRuntimeError(error) && words.test(error.message),
    )
  })
}

test('a shim is never looked for in the current directory', () => {
  const registry = registryOf('')
  const here = process.cwd()
  program('here/containerd-shim-local-v2')
  process.chdir(`${directory}/here`)
  try {
    assert.throws(() => resolveRuntime('io.containerd.local.v2', registry), /binary not installed/)
  } finally {
    process.chdir(here)
  }
})

test('a permissible shim may be the default', () =>
  assert.equal(resolveRuntime('', registryOf('default-runtime = "io.containerd.kata.v2"\n')).kind, 'shim'))

test('[F] 2.9 a reload keeps the stock entries, and everything that is still configured', async () => {
  const { registry, write } = await living('[runtimes.a]\npath = "crun"\n[runtimes.b]\npath = "crun"\n')
  const before = resolveRuntime('a', registry.current)
  write('\n\n[runtimes.a]\npath = "crun"\n[runtimes.c]\npath = "crun"\nargs = ["x"]\n')
  assert.deepEqual(await registry.reload(), { added: ['c'], removed: ['b'], changed: [] })
  assert.deepEqual([...registry.current.runtimes.keys()].sort(), ['a', 'c', 'io.containerd.usnea.v2', 'usnea'])
  assert.deepEqual(resolveRuntime('a', registry.current), before)
  write('[runtimes.a]\npath = "crun"\n[runtimes.c]\npath = "crun"\n')
  assert.deepEqual(await registry.reload(), { added: [], removed: [], changed: ['c'] })
})

test('[F] 2.4 a reload that fails leaves the registry as it was', async () => {
  const { registry, write } = await living('[runtimes.a]\npath = "crun"\n')
  const before = registry.current
  for (const bad of ['[runtimes.a', '[runtimes.a]\n', '[runtimes.a]\npath = 1\n', 'default-runtime = "a"\n']) {
    write(bad)
    await assert.rejects(registry.reload(), (error: Error) => isRuntimeError(error))
    assert.equal(registry.current, before)
  }
  write('')
  assert.deepEqual((await registry.reload()).removed, ['a'])
})

test('reloads at the same time end with what is in the file', async () => {
  const { registry, write } = await living('')
  const turns = ['a', 'b', 'c'].map((name) => {
    write(`[runtimes.${name}]\npath = "crun"\n`)
    return registry.reload()
  })
  await Promise.all(turns)
  assert.ok(registry.current.runtimes.has('c'))
})
