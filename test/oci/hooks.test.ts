// Needs a static busybox; hooks run in order, in the right place, with the state on stdin, and within their time.
import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import type { Config, Hook } from '../fixtures/config.ts'
import { until } from '../fixtures/until.ts'
import { refused, succeeded, type World, writeConfig } from '../fixtures/world.ts'

const shell = (script: string, ...args: string[]): Hook => ({ path: '/bin/sh', args: ['sh', '-c', script, ...args] })

/** A directory that hooks outside and inside can both write to, under one name. */
function sharedDirectory(world: World): string {
  const path = join(world.identity.home, 'notes')
  mkdirSync(path, { recursive: true })
  chmodSync(path, 0o777)
  return path
}

const binding = (path: string) => ({ destination: path, type: 'bind', source: path, options: ['rbind', 'rw'] })

/** createRuntime and the like, in the order of the specification. */
const atCreate = ['prestart', 'createRuntime', 'createContainer'] as const
const kinds = [...atCreate, 'startContainer', 'poststart', 'poststop'] as const

testAs({}, 'the six kinds of hooks run in order, several of one kind one after the other', async (world) => {
  const notes = sharedDirectory(world)
  const id = world.newId()
  const log = join(notes, `${id}.log`)
  const bundle = await world.bundle((config) => {
    config.mounts.push(binding(notes))
    config.hooks = Object.fromEntries(
      kinds.map((kind) => [kind, [1, 2].map((n) => shell(`echo ${kind} ${n} >> ${log}`))]),
    )
    config.process.args = ['sh', '-c', `echo program >> ${log}; sleep 1000`]
  })
  const lines = () => readFileSync(log, 'utf8').trim().split('\n')
  const twice = (names: readonly string[]) => names.flatMap((name) => [`${name} 1`, `${name} 2`])
  succeeded(await world.usnea(['create', '--bundle', bundle.path, id]))
  assert.deepEqual(lines(), twice(atCreate))
  succeeded(await world.usnea(['start', id]))
  await until('the program began', () => lines().includes('program'))
  const started = lines().slice(6)
  assert.deepEqual(started.slice(0, 2), twice(['startContainer']))
  // The program and poststart run at the same time, but both after startContainer.
  assert.deepEqual(started.filter((line) => line !== 'program').slice(2), twice(['poststart']))
  succeeded(await world.usnea(['delete', '--force', id]))
  assert.deepEqual(lines().slice(-2), twice(['poststop']))
})

testAs({}, 'every hook gets the state on stdin, with the status of its time', async (world) => {
  const notes = sharedDirectory(world)
  const id = world.newId()
  const bundle = await world.bundle((config) => {
    config.mounts.push(binding(notes))
    config.hooks = Object.fromEntries(kinds.map((kind) => [kind, [shell(`cat > ${notes}/${id}-${kind}`)]]))
    config.process.args = ['sleep', '1000']
    config.annotations = { 'org.example.a': 'b' }
  })
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
  const { pid } = JSON.parse(succeeded(await world.usnea(['state', id])))
  succeeded(await world.usnea(['delete', '--force', id]))
  const statuses = ['created', 'creating', 'creating', 'created', 'running', 'stopped']
  for (const [index, kind] of kinds.entries()) {
    const state = JSON.parse(readFileSync(join(notes, `${id}-${kind}`), 'utf8'))
    const { id: told, status, bundle: path, annotations } = state
    assert.deepEqual(
      { told, status, path, annotations },
      { told: id, status: statuses[index], path: bundle.path, annotations: { 'org.example.a': 'b' } },
      kind,
    )
    assert.match(state.ociVersion, /^1\./)
    if (kind === 'prestart' || kind === 'createRuntime' || kind === 'poststart') assert.equal(state.pid, pid, kind)
  }
})

testAs({}, 'a hook gets exactly the arguments and the environment that it names', async (world) => {
  const notes = sharedDirectory(world)
  const id = world.newId()
  const bundle = await world.bundle((config) => {
    const script = `printf '%s|' "$0" "$@" > ${notes}/${id}; /usr/bin/env | /bin/grep -v -e ^PWD= -e ^SHLVL= -e ^_= >> ${notes}/${id}`
    config.hooks = { createRuntime: [{ ...shell(script, 'zero', 'one two', ''), env: ['ONLY=this one'] }] }
    config.process.args = ['true']
  })
  succeeded(await world.usnea(['run', '--bundle', bundle.path, id]))
  assert.equal(readFileSync(join(notes, id), 'utf8'), 'zero|one two||ONLY=this one\n')
})

testAs({}, 'annotations of megabytes are no obstacle, and hooks get all of them', async (world) => {
  const notes = sharedDirectory(world)
  const id = world.newId()
  const size = 3 << 20
  const bundle = await world.bundle((config) => {
    config.annotations = { long: 'x'.repeat(size) }
    config.process.args = ['true']
  })
  succeeded(await world.usnea(['create', '--bundle', bundle.path, id]))
  succeeded(await world.usnea(['start', id]))
  succeeded(await world.usnea(['delete', '--force', id]))
  bundle.config.hooks = {
    createContainer: [shell(`wc -c > ${notes}/${id}`)],
    startContainer: [shell('wc -c > /tmp/bytes')],
  }
  writeConfig(bundle, world.identity)
  succeeded(await world.usnea(['create', '--bundle', bundle.path, id]))
  succeeded(await world.usnea(['start', id]))
  succeeded(await world.usnea(['delete', '--force', id]))
  for (const file of [join(notes, id), join(bundle.rootfs, 'tmp/bytes')])
    assert.ok(Number(readFileSync(file, 'utf8')) > size, file)
})

testAs({}, 'createContainer runs in the namespaces of the container, createRuntime outside', async (world) => {
  const notes = sharedDirectory(world)
  const id = world.newId()
  const bundle = await world.bundle((config) => {
    const note = (kind: string) => [shell(`readlink /proc/self/ns/uts > ${notes}/${id}-${kind}; touch ./${kind}`)]
    config.hooks = { createRuntime: note('createRuntime'), createContainer: note('createContainer') }
    config.process.args = ['true']
  })
  succeeded(await world.usnea(['run', '--bundle', bundle.path, id]))
  const ours = `${readlinkSync('/proc/self/ns/uts')}\n`
  assert.notEqual(readFileSync(join(notes, `${id}-createContainer`), 'utf8'), ours)
  assert.equal(readFileSync(join(notes, `${id}-createRuntime`), 'utf8'), ours)
  // Each begins where it finds its way: in the root of the container, and in the bundle.
  assert.ok(existsSync(join(bundle.rootfs, 'createContainer')) && existsSync(join(bundle.path, 'createRuntime')))
})

const failing = (kind: string, hook: Hook) => (config: Config) => {
  config.hooks = { [kind]: [hook] }
  config.process.args = ['sleep', '1000']
}

for (const kind of atCreate) {
  testAs({}, `a failing ${kind} hook fails the create with its own words, and undoes it`, async (world) => {
    const bundle = await world.bundle(failing(kind, shell('echo cannot frob >&2; exit 3')))
    const line = refused(await world.usnea(['create', '--bundle', bundle.path, world.newId()]), /cannot frob/)
    assert.match(line, new RegExp(`error running ${kind} hook #0: `))
  })
}

for (const kind of ['startContainer', 'poststart']) {
  testAs({}, `a failing ${kind} hook fails the run, and the container goes`, async (world) => {
    const bundle = await world.bundle(failing(kind, shell('exit 3')))
    const words = new RegExp(`error running ${kind} hook #0: `)
    refused(await world.usnea(['run', '--detach', '--bundle', bundle.path, world.newId()]), words)
  })
}

testAs({}, 'a failing poststop hook is only a warning, and the next one still runs', async (world) => {
  const notes = sharedDirectory(world)
  const id = world.newId()
  const bundle = await world.bundle((config) => {
    config.hooks = { poststop: [shell('exit 3'), shell(`touch ${notes}/${id}`)] }
    config.process.args = ['true']
  })
  succeeded(await world.usnea(['create', '--bundle', bundle.path, id]))
  succeeded(await world.usnea(['delete', '--force', id]))
  assert.ok(existsSync(join(notes, id)))
})

testAs({}, 'a hook that runs past its timeout is ended with everything it started', async (world) => {
  // The child in the background keeps the hook's output open; it must neither be waited for nor survive.
  for (const script of ['sleep 1000', 'sleep 1000 & sleep 1000', 'trap "" TERM; sleep 1000 & wait']) {
    const bundle = await world.bundle(failing('createRuntime', { ...shell(script), timeout: 1 }))
    refused(
      await world.usnea(['create', '--bundle', bundle.path, world.newId()]),
      /timeout.*createRuntime|createRuntime.*timeout/,
    )
    await world.nothingLeft()
  }
})

testAs({}, 'a timeout of more than 24 days is no timeout of a moment', async (world) => {
  const bundle = await world.bundle((config) => {
    config.hooks = { createRuntime: [{ ...shell('sleep 0.1'), timeout: 3_000_000 }] }
    config.process.args = ['true']
  })
  succeeded(await world.usnea(['run', '--bundle', bundle.path, world.newId()]))
})

testAs({}, 'a hook that does not read its state, or does not exist, is no riddle', async (world) => {
  const quiet = await world.bundle((config) => {
    config.hooks = { createRuntime: [{ path: '/bin/true' }] }
    config.annotations = { 'org.example.long': 'x'.repeat(200_000) }
    config.process.args = ['true']
  })
  succeeded(await world.usnea(['run', '--bundle', quiet.path, world.newId()]))
  const missing = await world.bundle(failing('createRuntime', { path: '/nowhere/hook' }))
  refused(
    await world.usnea(['create', '--bundle', missing.path, world.newId()]),
    /createRuntime.*nowhere\/hook|nowhere\/hook.*createRuntime/,
  )
  const relative = await world.bundle(failing('createRuntime', { path: 'hook' }))
  refused(await world.usnea(['create', '--bundle', relative.path, world.newId()]), /\/hooks\/createRuntime\/0/)
})
