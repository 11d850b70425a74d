// Needs a static busybox: further processes in a running container.
import assert from 'node:assert/strict'
import { readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import { until } from '../fixtures/until.ts'
import { refused, succeeded, type World } from '../fixtures/world.ts'

const everywhere = ['root', 'ranges', 'plain', 'nested', 'contained'] as const

const namespaces = 'cd /proc/self/ns; for n in mnt pid net ipc uts user; do readlink $n; done'

async function withContainer(world: World, body: (id: string) => Promise<void>): Promise<void> {
  const id = world.newId()
  const bundle = await world.bundle((config) => {
    config.process.args = ['sh', '-c', `(${namespaces}) > /tmp/namespaces; exec sleep 1000`]
    config.process.cwd = '/home'
    config.process.env.push('FROM=config')
  })
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
  await body(id)
  succeeded(await world.usnea(['delete', '--force', id]))
}

testAs({ as: everywhere }, 'exec runs in all namespaces of the container and hands on stdio and status', (world) =>
  withContainer(world, async (id) => {
    await until(
      'the program told its namespaces',
      async () => (await world.usnea(['exec', id, 'grep', '-q', 'user', '/tmp/namespaces'])).status === 0,
    )
    const script = `cat; hostname; (${namespaces}) | diff - /tmp/namespaces; echo aside >&2; exit 9`
    const outcome = await world.usnea(['exec', id, 'sh', '-c', script], { input: 'typed\n' })
    assert.deepEqual(outcome, { status: 9, signal: null, stdout: 'typed\nboxed\n', stderr: 'aside\n' })
  }),
)

testAs({}, 'exec has the directory, environment and capabilities of the container unless told otherwise', (world) =>
  withContainer(world, async (id) => {
    const locked = succeeded(await world.usnea(['exec', id, 'grep', 'NoNewPrivs', '/proc/self/status']))
    assert.equal(locked, 'NoNewPrivs:\t1\n')
    const script = 'pwd; echo $FROM $MORE $EMPTY.'
    assert.equal(succeeded(await world.usnea(['exec', id, 'sh', '-c', script])), '/home\nconfig .\n')
    const flags = ['--cwd', '/tmp', '-e', 'MORE=1', '--env', 'FROM=flag', '--env', 'EMPTY=']
    assert.equal(succeeded(await world.usnea(['exec', ...flags, id, 'sh', '-c', script])), '/tmp\nflag 1 .\n')
    const caps = 'for p in 1 self; do grep Cap /proc/$p/status > /tmp/$p; done; diff /tmp/1 /tmp/self && echo same'
    assert.equal(succeeded(await world.usnea(['exec', id, 'sh', '-c', caps])), 'same\n')
  }),
)

testAs({}, 'exec takes a user and groups, and leaves words after the id alone', (world) =>
  withContainer(world, async (id) => {
    assert.equal(
      succeeded(await world.usnea(['exec', '--user', '1000:8', '-g', '4', '-g', '24', id, 'id', '-G'])),
      '8 4 24\n',
    )
    assert.equal(succeeded(await world.usnea(['exec', '-u', '1000', id, 'sh', '-c', 'id -u', '--user', '5'])), '1000\n')
    assert.equal(
      succeeded(await world.usnea(['exec', id, 'echo', '-e', '1e3', '--cwd', '/', '-d'])),
      '1e3 --cwd / -d\n',
    )
  }),
)

testAs({}, 'exec takes a whole process from a file', (world) =>
  withContainer(world, async (id) => {
    const description = {
      user: { uid: 8, gid: 8, umask: 0o077 },
      args: ['sh', '-c', 'id -u; umask; pwd; echo $A; ulimit -H -n'],
      env: ['PATH=/bin', 'A=b'],
      cwd: '/tmp',
      rlimits: [{ type: 'RLIMIT_NOFILE', soft: 50, hard: 60 }],
    }
    const file = world.file('process.json', JSON.stringify(description))
    assert.equal(succeeded(await world.usnea(['exec', '--process', file, id])), '8\n0077\n/tmp\nb\n60\n')
  }),
)

testAs({}, 'a detached exec returns while its process runs', (world) =>
  withContainer(world, async (id) => {
    const pidFile = join(world.identity.home, `${id}.exec-pid`)
    succeeded(
      await world.usnea([
        'exec',
        '--detach',
        '--pid-file',
        pidFile,
        id,
        'sh',
        '-c',
        'echo here > /tmp/here; sleep 1000',
      ]),
    )
    await until(
      'it wrote its file',
      async () => (await world.usnea(['exec', id, 'cat', '/tmp/here'])).stdout === 'here\n',
    )
    const pids: number[] = JSON.parse(succeeded(await world.usnea(['ps', '--format', 'json', id])))
    assert.ok(pids.length >= 2, `ps: ${pids}`)
  }),
)

const impossible: Record<string, readonly [(world: World) => string[], string[], RegExp]> = {
  'a program that is not there': [() => [], ['frobnicate'], /executable file not found in \$PATH/],
  'a path that is not there': [() => [], ['/bin/frobnicate'], /no such file or directory/],
  'a file that is no program': [() => [], ['/etc/passwd'], /permission denied/],
  'no program at all': [() => [], [], /exec args cannot be empty|requires|usage/],
  'an empty program': [() => [], [''], /args|executable file not found/],
  'a user that is no number': [() => ['--user', 'root'], ['true'], /uid/],
  'a relative directory': [() => ['--cwd', 'tmp'], ['true'], /cwd|Cwd|absolute/],
  'a directory that is not there': [() => ['--cwd', '/nothing'], ['true'], /no such file or directory/],
  'a process file that is not there': [
    (world) => ['--process', join(world.identity.home, 'none.json')],
    [],
    /none\.json/,
  ],
  'a process file that is not JSON': [(world) => ['--process', world.file('bad.json', '{"args": [')], [], /JSON/],
  'a process file without args': [
    (world) => ['--process', world.file('empty.json', '{"cwd":"/","user":{"uid":0,"gid":0}}')],
    [],
    /args/,
  ],
}

for (const [title, [flags, words, message]] of Object.entries(impossible)) {
  testAs({}, `exec with ${title} is refused with 255`, (world) =>
    withContainer(world, async (id) => {
      refused(await world.usnea(['exec', ...flags(world), id, ...words]), message, 255)
    }),
  )
}

testAs({}, 'an exec ends with its container', (world) =>
  withContainer(world, async (id) => {
    const call = world.call(['exec', id, 'sh', '-c', 'echo up; sleep 1000'])
    await until('it runs', () => call.output().stdout === 'up\n')
    succeeded(await world.usnea(['kill', id, 'KILL']))
    assert.equal((await call.ended).status, 137)
  }),
)

testAs({}, 'exec does not change what the namespaces of the host are', (world) =>
  withContainer(world, async (id) => {
    const before = readlinkSync('/proc/self/ns/mnt')
    const inside = succeeded(await world.usnea(['exec', id, 'readlink', '/proc/self/ns/mnt'])).trim()
    assert.notEqual(inside, before)
  }),
)
