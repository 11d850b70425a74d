/**
 * Limits of memory, processes and processors: by a cgroup as root, by rlimit and watchdog as a user, by a watchdog alone
 * where there are no namespaces; of one sandbox and of several together. Nothing is left behind.
 */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ceiling, type HeldLimit, type LimitEvent, sandbox } from '../../src/sandbox/index.ts'
import { whyNot } from '../fixtures/as.ts'
import { ownCgroups, removeCgroup } from '../fixtures/cgroups.ts'
import { reachableNode, runtimePath } from '../fixtures/install.ts'
import { needs } from '../fixtures/needs.ts'
import { allProcesses } from '../fixtures/processes.ts'
import { refusing } from '../fixtures/refusing.ts'
import { until } from '../fixtures/until.ts'
import { provideUser } from '../fixtures/users.ts'
import { openWorld } from '../fixtures/world.ts'

const usnea = fileURLToPath(new URL('../../bin/usnea', import.meta.url))
const places = ownCgroups()
const holds = (controller: string) => places.some(({ controllers }) => controllers.includes(controller))
const noCgroup = ['memory', 'pids', 'cpu'].find((name) => !holds(name))
const byCgroup = needs('root', 'python3') ?? (noCgroup && `needs the ${noCgroup} controller`) ?? false
const asPlain = whyNot('plain') ?? needs('python3') ?? false

const PATH = '/usr/bin:/bin'

/** Takes so many MiB for a while. */
const eats = (mib: number, seconds = 0) =>
  `python3 -c 'import time; a = bytearray(${mib} << 20); time.sleep(${seconds}); print(len(a) >> 20)'`
/** The shell and so many more; none of them is there at the end. */
const crowd = (count: number) =>
  `i=0; while [ $i -lt ${count} ]; do sleep 30 & p="$p $!"; i=$((i+1)); done; echo all; kill $p`
const of = (limits: readonly HeldLimit[], name: string) => limits.find(({ limit }) => limit === name)

/** Only those of this process: other tests run beside us. */
const left = () =>
  places.flatMap(({ base }) => readdirSync(base).filter((name) => name.includes(`-${process.pid.toString(36)}-`)))

after(() => assert.deepEqual(left(), []))

test('a cgroup holds memory, processes and processors, and says what was reached', { skip: byCgroup }, async () => {
  await using box = sandbox({ cwd: '/', memory: '64M', pids: 4, cpus: 0.5 })
  const events: LimitEvent[] = []
  box.on('limit', (event) => events.push(event))
  assert.deepEqual(
    box.limits.map(({ limit, enforcedBy }) => [limit, enforcedBy]),
    [
      ['memory', 'cgroup'],
      ['pids', 'cgroup'],
      ['cpus', 'cgroup'],
    ],
  )
  const fits = await box.run(['sh', '-c', `${eats(16)}; ${crowd(3)}`])
  assert.deepEqual([fits.stdout, fits.limit, of(fits.limits, 'pids')?.hits], ['16\nall', undefined, 0])

  const eaten = await box.run(['sh', '-c', `exec ${eats(200)}`], { reject: false })
  assert.deepEqual([eaten.signal, eaten.limit, of(eaten.limits, 'memory')?.hits], ['SIGKILL', 'memory', 1])
  await assert.rejects(box.run(['sh', '-c', `exec ${eats(200)}`]), /reached its limit of memory/)

  const refused = await box.run(['sh', '-c', crowd(4)], { reject: false })
  assert.deepEqual([refused.stdout, refused.limit], ['', undefined])
  assert.ok((of(refused.limits, 'pids')?.hits ?? 0) > 0)
  assert.deepEqual(
    events.map(({ limit }) => limit.limit),
    ['memory', 'memory', 'pids'],
  )
})

test('the share of a processor is what was asked for', { skip: byCgroup }, async () => {
  await using box = sandbox({ cwd: '/', cpus: 0.25 })
  const running = box.spawn(['cat'])
  const files = () =>
    places
      .filter(({ controllers }) => controllers.includes('cpu'))
      .flatMap(({ base }) =>
        left().flatMap((name) => ['cpu.cfs_quota_us', 'cpu.max'].map((one) => join(base, name, one))),
      )
      .flatMap((path) => readText(path) ?? [])
  await until('it has a cgroup', () => files().length > 0)
  assert.match(files()[0] ?? '', /^25000( 100000)?\n$/)
  running.stdin?.end()
  await running.exited
})

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

test('those that wait have their limits already, each its own', { skip: byCgroup }, async () => {
  await using box = sandbox({ cwd: '/', pids: 3, memory: '64M' }, { warm: 2 })
  await box.ready()
  const results = await Promise.all(
    [crowd(2), crowd(3), `exec ${eats(200)}`].map((script) => box.run(['sh', '-c', script], { reject: false })),
  )
  assert.deepEqual(
    results.map(({ stdout, limit }) => [stdout, limit]),
    [
      ['all', undefined],
      ['', undefined],
      ['', 'memory'],
    ],
  )
})

test('a command that may mount cgroups cannot raise its limits', { skip: byCgroup }, async () => {
  await using box = sandbox({ cwd: '/', memory: '64M', nested: true })
  const raise = `
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
assert libc.unshare(0x10000000 | 0x00020000 | 0x02000000) == 0 # user, mount, cgroup; its capabilities would be gone after exec
mount = libc.mount
isOld = mount(b'none', b'/mnt', b'cgroup', 0, b'memory') == 0
assert isOld or mount(b'none', b'/mnt', b'cgroup2', 0, None) == 0
for name in ('memory.memsw.limit_in_bytes', 'memory.limit_in_bytes', 'memory.max'):
    try: open('/mnt/' + name, 'w').write('-1' if 'limit' in name else 'max')
    except OSError as error: print(name, error)
print(open('/mnt/memory.limit_in_bytes' if isOld else '/mnt/memory.max').read(), flush=True)
print(len(bytearray(200 << 20)))`
  const result = await box.run(['python3', '-c', raise], { reject: false })
  assert.equal(result.limit, 'memory', result.stdout + result.stderr)
  assert.doesNotMatch(result.stdout, new RegExp(String(200 << 20)))
})

test('one ceiling holds for several sandboxes together', { skip: byCgroup }, async () => {
  await using all = ceiling({ memory: '100M' })
  await using one = sandbox({ cwd: '/' }, { ceiling: all })
  await using other = sandbox({ cwd: '/', pids: 5 }, { ceiling: all, warm: 1 })
  assert.equal((await one.run(['sh', '-c', eats(60)])).stdout, '60')
  const script = `exec ${eats(60, 2)}`
  const both = await Promise.all([one, other].map((box) => box.run(['sh', '-c', script], { reject: false })))
  assert.deepEqual(both.map(({ limit }) => limit ?? 'none').sort(), ['memory', 'none'])
  const hit = both.find(({ limit }) => limit === 'memory')
  assert.ok(
    hit?.limits.some(({ isShared, hits = 0 }) => isShared && hits > 0),
    JSON.stringify(hit?.limits),
  )
})

test('no sandbox starts under a ceiling whose cgroup was taken away, or is another one', {
  skip: byCgroup,
}, async () => {
  await using all = ceiling({ pids: 5 })
  await using box = sandbox({ cwd: '/' }, { ceiling: all })
  assert.equal((await box.run(['sh', '-c', crowd(3)])).stdout, 'all')
  const [one = ''] = left()
  const theirs = places.map(({ base }) => join(base, one)).filter((path) => existsSync(path))
  assert.ok(theirs.length > 0)
  for (const path of theirs) rmdirSync(path)
  const start = () => box.run(['sh', '-c', crowd(10)])
  await assert.rejects(start(), { code: 'ceiling-gone' })
  assert.deepEqual(left(), [])
  for (const path of theirs) mkdirSync(path)
  await assert.rejects(start(), { code: 'ceiling-gone' })
  for (const path of theirs) assert.deepEqual(removedBelow(path), [])
})

/** Takes it away. @returns the cgroups that were in it */
function removedBelow(path: string): string[] {
  const below = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  removeCgroup(path)
  return below.map(({ name }) => name)
}

test('disposing a ceiling ends what runs under it', { skip: byCgroup }, async () => {
  const all = ceiling({ pids: 20 })
  const running = sandbox({ cwd: '/' }, { ceiling: all }).spawn(['sh', '-c', 'echo up; exec sleep 60'])
  for await (const line of running.lines()) if (line === 'up') break
  await all[Symbol.asyncDispose]()
  assert.equal((await running.exited).signal, 'SIGKILL')
})

test('what a killed usnea leaves of cgroups is swept by the next one', { skip: byCgroup }, async () => {
  const child = spawn(usnea, ['--pids', '5', '--', 'cat'], { stdio: ['pipe', 'ignore', 'inherit'], cwd: '/' })
  const name = `-${child.pid?.toString(36)}-`
  const theirs = () => places.flatMap(({ base }) => readdirSync(base).filter((one) => one.includes(name)))
  await until('it has a cgroup', () => theirs().length > 0)
  child.kill('SIGKILL')
  await once(child, 'exit')
  await until('the command is gone too', () => allProcesses().every(({ parent }) => parent !== child.pid))
  await until('the next one has swept it', () => {
    spawnSync(usnea, ['--pids', '5', '--', 'true'], { cwd: '/' })
    return theirs().length === 0
  })
})

test('a user has rlimits and a watchdog, and no share of processors', { skip: asPlain }, async () => {
  await using world = await openWorld('plain')
  const call = (...args: string[]) => world.usnea(args, { cwd: '/', noRoot: true, env: { PATH } })
  const eaten = await call('--memory', '64M', '--', 'sh', '-c', `exec ${eats(200, 20)}`)
  assert.equal(eaten.status, 137, eaten.stderr)
  assert.match(eaten.stderr, /the limit memory 67108864 was reached: the watchdog has ended the command/)
  const crowds = [
    await call('--pids', '4', '--', 'sh', '-c', crowd(3)),
    await call('--pids', '4', '--', 'sh', '-c', crowd(4)),
  ]
  assert.deepEqual(
    crowds.map(({ stdout }) => stdout),
    ['all\n', ''],
  )
  const explained = await call('--pids', '4', '--memory', '1G', '--explain', '--', 'true')
  assert.match(explained.stdout, /1G of memory \(watchdog\)/)
  assert.match(explained.stdout, /4 processes and threads may run at once \(rlimit\)/)
  const refused = await call('--cpus', '1', '--', 'echo', 'ran')
  assert.deepEqual([refused.status, refused.stdout], [125, ''])
  assert.match(refused.stderr, /cpus: only a cgroup holds it.*--accept limits/)
  assert.equal((await call('--cpus', '1', '--accept', 'limits', '--', 'echo', 'ran')).stdout, 'ran\n')
  assert.match((await call('--require', 'cgroups', '--', 'true')).stderr, /cgroups: only a cgroup holds it/)
})

test('one watchdog adds up what the sandboxes of a user take', { skip: asPlain }, async () => {
  await using world = await openWorld('plain')
  const library = join(dirname(await runtimePath()), '../dist/lib/index.js')
  const script = world.file(
    'ceiling.mjs',
    `import { ceiling, sandbox } from '${library}'
    const all = ceiling({ memory: '100M' })
    const boxes = [sandbox({ cwd: '/' }, { ceiling: all }), sandbox({ cwd: '/' }, { ceiling: all })]
    const run = (box) => box.run(['sh', '-c', ${JSON.stringify(`exec ${eats(60, 2)}`)}], { reject: false })
    const results = await Promise.all(boxes.map(run))
    console.log(JSON.stringify(results.map(({ limit, limits }) => [limit ?? 'none', limits[0].enforcedBy])))
    for (const box of boxes) await box[Symbol.asyncDispose]()
    await all[Symbol.asyncDispose]()`,
  )
  const { stdout, stderr } = await world.run([await reachableNode(), script], { cwd: '/', env: { PATH } })
  assert.deepEqual(
    (JSON.parse(stdout || '[]') as string[][]).sort(),
    [
      ['memory', 'watchdog'],
      ['none', 'watchdog'],
    ],
    stderr,
  )
})

test('without namespaces a watchdog holds both, and the tree of the command is ended', {
  skip: needs('root', 'python3', 'setpriv') ?? false,
}, () => {
  const { uid, gid } = provideUser('without ranges')
  const as = ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--']
  const call = (...args: string[]) => {
    const [file = '', ...rest] = refusing([...as, usnea, '--min-level', 'L', ...args])
    return spawnSync(file, rest, { cwd: '/', encoding: 'utf8' })
  }
  const eaten = call('--memory', '64M', '--', 'sh', '-c', `exec ${eats(200, 20)}`)
  assert.match(eaten.stderr, /the limit memory 67108864 was reached: the watchdog/)
  const crowded = call('--pids', '4', '--', 'sh', '-c', 'for i in 1 2 3 4 5 6 7 8; do sleep 30 & done; wait')
  assert.match(crowded.stderr, /the limit pids 4 was reached: the watchdog/)
  assert.equal(call('--pids', '4', '--', 'echo', 'ran').stdout, 'ran\n')
})

test('amounts that are none are errors', () => {
  for (const memory of [0, 1023, -1, 'much', Number.NaN])
    assert.throws(() => sandbox({ memory }), { code: 'sandbox-option' })
  for (const pids of [0, -1, 1.5, Number.NaN, 2 ** 40])
    assert.throws(() => sandbox({ pids }), { code: 'sandbox-option' })
  for (const cpus of [0, -1, Number.NaN, 1e9]) assert.throws(() => sandbox({ cpus }), { code: 'sandbox-option' })
  assert.throws(() => ceiling({}), { code: 'sandbox-option' })
})
