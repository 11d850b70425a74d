// Needs root and a static busybox; crun and runc where they are installed.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { whyNot } from '../fixtures/as.ts'
import { runtimePath } from '../fixtures/install.ts'
import { findProgram, needs, whyNotFound } from '../fixtures/needs.ts'
import { openWorld, succeeded, type World } from '../fixtures/world.ts'

const skip = needs('busybox') ?? whyNot('root')
const world = skip === undefined ? await openWorld('root') : undefined
after(() => world?.[Symbol.asyncDispose]())

/** `usnea task`, with settings of its own and a service of its own. */
function service(opened: World, config: string) {
  const { home } = opened.identity
  const file = opened.file('config.toml', config, 0o600)
  const directory = join(home, 'service')
  return {
    wrappers: join(directory, 'wrappers'),
    task: (verb: string, ...args: string[]) =>
      opened.usnea(['task', verb, '--service', directory, ...args], { env: { USNEA_CONFIG: file } }),
  }
}

const section = (name: string, path: string, args: readonly string[]) =>
  `[runtimes.${JSON.stringify(name)}]\npath = ${JSON.stringify(path)}\nargs = ${JSON.stringify(args)}\n`

const paths: Record<string, string | undefined> = {
  usnea: await runtimePath(),
  crun: findProgram('crun'),
  runc: findProgram('runc'),
}

for (const [name, path] of Object.entries(paths)) {
  const isRefused = name === 'crun' && existsSync('/sys/fs/cgroup/unified')
  const why =
    skip ?? (path === undefined ? whyNotFound(name, name) : isRefused ? 'crun refuses cgroup v1 beside v2' : undefined)
  test(`[F] 2.5 a task runs by ${name} with arguments that hold blanks, quotes and commands`, {
    skip: why,
  }, async () => {
    assert.ok(world)
    const { home } = world.identity
    const args = ['a b', "it's", '$(touch was-run)', '*', '']
    // Notes its arguments, and runs the runtime without those of ours.
    const [seen, noting] = [join(home, `${name}-seen`), join(home, `noting ${name}`)]
    const script = `#!/bin/sh\nprintf '%s\\0' "$@" '|' >> ${seen}\nshift ${args.length}\nexec ${path} "$@"\n`
    world.file(`noting ${name}`, script, 0o755)
    const { task, wrappers } = service(world, section(`my/${name}`, noting, args))
    const { path: bundle } = await world.bundle((config) => {
      config.ociVersion = '1.0.2'
      config.process.args = ['sh', '-c', 'echo ran; exit 3']
    })
    const done = await task('run', '--runtime', `my/${name}`, '--bundle', bundle, `by-${name}`)
    assert.deepEqual([done.status, done.stdout], [3, 'ran\n'], done.stderr)
    assert.ok(readdirSync(wrappers).some((file) => file.startsWith(`my%2F${name}.`)))
    const calls = readFileSync(seen, 'utf8').split('|\0').slice(0, -1)
    assert.ok(calls.length > 2, 'create, start, delete')
    for (const call of calls) assert.deepEqual(call.split('\0').slice(0, args.length), args)
    assert.match(calls[0] ?? '', /\0create\0/)
    assert.equal(existsSync(join(home, 'was-run')) || existsSync(join(bundle, 'was-run')), false)
  })
}

test('[F] 2.5 a script stays while a task names it, whatever the settings say, and goes with the last one', {
  skip,
}, async () => {
  assert.ok(world)
  const usnea = paths.usnea ?? ''
  const { task, wrappers } = service(world, section('kept', usnea, ['--log-level', 'error']))
  const { path: bundle } = await world.bundle((config) => {
    config.process.args = ['sleep', '1000']
  })
  succeeded(await task('run', '--detach', '--runtime', 'kept', '--bundle', bundle, 'holder'))
  const [script = ''] = readdirSync(wrappers).filter((name) => name.startsWith('kept.'))
  const unused = join(wrappers, 'kept.0123456789abcdef')
  writeFileSync(unused, '')
  mkdirSync(join(wrappers, 'kept.fedcba9876543210'))
  for (const path of [unused, join(wrappers, script), join(wrappers, 'kept.fedcba9876543210')]) utimesSync(path, 0, 0)
  // Its runtime is configured no more; the task has what it needs.
  service(world, '')
  const listed = await task('list')
  assert.match(succeeded(listed), /holder/)
  assert.deepEqual([existsSync(unused), existsSync(join(wrappers, script))], [false, true])
  assert.match(
    readFileSync(join(wrappers, script), 'utf8'),
    /^#!\/bin\/sh\nexec '.*\/bin\/usnea' '--log-level' 'error' "\$@"\n$/,
  )
  succeeded(await task('delete', '--force', 'holder'))
  succeeded(await task('list'))
  assert.equal(existsSync(join(wrappers, script)), false)
})

test('unknown, missing and unsafe runtimes are told, and no task is made', { skip }, async () => {
  assert.ok(world)
  const { task } = service(world, '[runtimes.gone]\npath = "/nowhere/gone"\n')
  const { path: bundle } = await world.bundle()
  const cases: [name: string, words: RegExp][] = [
    ['gnoe', /unknown or invalid runtime name: gnoe; fix: use gone/],
    ['gone', /exec: \\?"\/nowhere\/gone\\?": no such file or directory/],
    ['./x.y', /unknown or invalid runtime name/],
    ['io.containerd.nope.v2', /binary not installed \\?"containerd-shim-nope-v2/],
  ]
  for (const [name, words] of cases) {
    const refused = await task('run', '--runtime', name, '--bundle', bundle, 'none')
    assert.notEqual(refused.status, 0)
    assert.match(refused.stderr, words)
  }
  assert.doesNotMatch(succeeded(await task('list')), /none/)
})
