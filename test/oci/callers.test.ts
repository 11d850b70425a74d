// Needs a static busybox: the calls of containerd's shim, conmon, podman and CRI-O, word for word, with an empty environment.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import { until } from '../fixtures/until.ts'
import { type Outcome, succeeded, type World } from '../fixtures/world.ts'

/** Nothing of the environment is left; a runtime directory only for those callers that give one. */
const withoutEnvironment = (world: World, kept: Readonly<Record<string, string>> = {}) => ({
  ...Object.fromEntries(Object.keys(world.identity.env).map((name) => [name, undefined])),
  ...kept,
})

async function sleepingBundle(world: World): Promise<string> {
  const bundle = await world.bundle((config) => {
    config.process.args = ['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.1; done']
  })
  return bundle.path
}

/** As callers read a pid file: the whole of it is one number. */
function readPid(file: string): number {
  const text = readFileSync(file, 'utf8')
  assert.match(text, /^[1-9]\d*$/)
  return Number(text)
}

for (const dash of ['--', '-']) {
  testAs({}, `containerd’s shim and buildkit, with options that begin with ${dash}`, async (world) => {
    const [id, bundle] = [world.newId(), await sleepingBundle(world)]
    const files = (name: string) => join(world.identity.home, `${id}-${name}`)
    const globals = [`${dash}log`, files('log.json'), `${dash}log-format`, 'json', `${dash}systemd-cgroup=false`]
    const spell = (words: readonly string[]) => words.map((word) => word.replace(/^--/, dash))
    const call = (...words: string[]): Promise<Outcome> =>
      world.usnea([...globals, ...spell(words)], { env: withoutEnvironment(world) })
    const output = async (...words: string[]) => succeeded(await call(...words))

    await output('create', '--bundle', bundle, '--pid-file', files('init.pid'), '--no-new-keyring', id)
    const pid = readPid(files('init.pid'))
    await output('start', id)
    assert.equal(JSON.parse(await output('state', id)).pid, pid)
    const description = { args: ['sleep', '1000'], cwd: '/', user: { uid: 0, gid: 0 }, env: ['PATH=/bin'] }
    const file = world.file(`${id}-process`, JSON.stringify(description))
    await output('exec', '--process', file, '--detach', '--pid-file', files('exec.pid'), id)
    const pids: number[] = JSON.parse(await output('ps', '--format', 'json', id))
    for (const one of [pid, readPid(files('exec.pid'))]) assert.ok(pids.includes(one), `${one} in ${pids}`)
    assert.equal(JSON.parse(await output('list', '--format=json'))[0].id, id)
    await output('kill', id, '15')
    await until('it stopped', async () => JSON.parse(await output('state', id)).status === 'stopped')
    await output('delete', id)
    await output('delete', '--force', id)
    assert.equal(readFileSync(files('log.json'), 'utf8'), '')
    assert.match((await call('delete', id)).stderr, /does not exist/)
    const lines = readFileSync(files('log.json'), 'utf8').trimEnd().split('\n')
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).level),
      ['error'],
    )
  })
}

testAs({}, 'podman with conmon', async (world) => {
  const [id, bundle] = [world.newId(), await sleepingBundle(world)]
  const pidFile = join(world.identity.home, `${id}.pid`)
  const runtimeArgs = [
    '--log-format=json',
    '--log',
    join(world.identity.home, `${id}-oci-log`),
    '--cgroup-manager',
    'disabled',
  ]
  const env = withoutEnvironment(world, { XDG_RUNTIME_DIR: world.identity.env.XDG_RUNTIME_DIR ?? '' })
  const call = (...words: string[]) => world.usnea([...runtimeArgs, ...words], { env })
  succeeded(await call('create', '--bundle', bundle, '--pid-file', pidFile, id))
  readPid(pidFile)
  succeeded(await call('start', id))
  succeeded(await call('kill', id, '0'))
  succeeded(await call('kill', '--all', id, '9'))
  const stopped = async () => JSON.parse(succeeded(await call('state', id))).status === 'stopped'
  await until('it stopped', stopped)
  succeeded(await call('delete', '--force', id))
  assert.ok(!existsSync(join(world.state, id)))
})

testAs({}, 'CRI-O', async (world) => {
  const [id, bundle] = [world.newId(), await sleepingBundle(world)]
  const call = (...words: string[]) => world.usnea(words, { env: withoutEnvironment(world) })
  succeeded(await call('create', '--bundle', bundle, '--pid-file', join(world.identity.home, `${id}.pid`), id))
  succeeded(await call('start', id))
  const file = world.file(`${id}-process`, JSON.stringify({ args: ['true'], cwd: '/', env: ['PATH=/bin'] }))
  succeeded(await call('exec', '--process', file, id))
  succeeded(await call('kill', '-a', id, 'KILL'))
  await until('it stopped', async () => JSON.parse(succeeded(await call('state', id))).status === 'stopped')
  assert.match((await call('kill', id, 'TERM')).stderr, /container not running|no such process/)
  succeeded(await call('delete', '--force', id))
  assert.equal(JSON.parse(succeeded(await call('features'))).ociVersionMin, '1.0.0')
})
