/** Supplementary groups: a file that only one of them can read tells who kept it, and nobody gets one back. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type IdentityName, whyNot } from '../fixtures/as.ts'
import { fileOf, type Group, provideGroup, runWith } from '../fixtures/groups.ts'
import { installed, runtimePath } from '../fixtures/install.ts'
import { needs } from '../fixtures/needs.ts'
import { refusing, withoutRights } from '../fixtures/refusing.ts'
import { worldOf } from '../fixtures/shared-worlds.ts'
import { patiently } from '../fixtures/users.ts'

const skip = needs('root', 'setpriv', 'userns', 'python3', 'newuidmap') ?? false
const can = (name: IdentityName) => skip || (whyNot(name) ?? false)

interface Stage {
  readonly kept: Group
  readonly dropped: Group
  readonly files: { readonly kept: string; readonly dropped: string }
}

let made: Stage | undefined

function stage(): Stage {
  if (made === undefined) {
    const [kept, dropped] = [provideGroup(), provideGroup()]
    made = { kept, dropped, files: { kept: fileOf(kept), dropped: fileOf(dropped) } }
  }
  return made
}

interface Wish {
  readonly through?: readonly string[]
  readonly options?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** What a command with both groups can read: `yes yes` is both files, the kept one first. */
async function readsWith(name: IdentityName, groups: string, { through = [], options = [], env = {} }: Wish = {}) {
  const { kept, dropped, files } = stage()
  const { identity } = await worldOf(name)
  const look = ['/bin/sh', '-c', 'for f; do /bin/cat "$f" >/dev/null 2>&1 && echo yes || echo no; done', 'sh']
  const shown = Object.values(files).flatMap((path) => ['--ro', path])
  const words = groups.replaceAll('KEPT', kept.name).replaceAll('DROPPED', String(dropped.id))
  const argv = [await runtimePath(), 'sandbox', ...options, ...shown, '--groups', words, '--', ...look]
  const { status, stdout, stderr } = runWith(identity, { groups: [kept, dropped], through, env }, [
    ...argv,
    files.kept,
    files.dropped,
  ])
  return { status, reads: stdout.trim().replaceAll('\n', ' '), stderr }
}

/** A member of the kept group may be given it as a subordinate one; it goes with the user. */
async function grant(name: IdentityName): Promise<void> {
  const { identity } = await worldOf(name)
  const { id } = stage().kept
  patiently(['usermod', '--add-subgids', `${id}-${id}`, identity.user.name])
}

const cases = [
  { who: 'root', level: 'R' },
  { who: 'ranges', level: 'U1', by: 'newgidmap' },
  { who: 'contained', level: 'U0', note: 'its groups have no number in there' },
] as const

for (const { who, level } of cases) {
  test(`as ${who}: all stay unless something is said, and with all`, { skip: can(who) }, async () => {
    assert.deepEqual((await readsWith(who, 'all')).reads, 'yes yes')
  })

  test(`as ${who}: with none the files of both are closed (${level})`, { skip: can(who) }, async () => {
    const { reads, stderr } = await readsWith(who, 'none')
    assert.equal(reads, 'no no', stderr)
  })
}

for (const who of ['root', 'ranges'] as const) {
  test(`as ${who}: what is kept can be used, by name and by number, and nothing else`, { skip: can(who) }, async () => {
    if (who === 'ranges') await grant(who)
    const { kept } = stage()
    for (const words of ['KEPT', String(kept.id), '?nosuchgroup,KEPT']) {
      const { reads, stderr } = await readsWith(who, words)
      assert.equal(reads, 'yes no', stderr)
    }
    assert.equal((await readsWith(who, 'KEPT,DROPPED')).reads, 'yes yes')
  })
}

test('where newgidmap has no id for it nothing runs, and what to do is said', { skip: can('plain') }, async () => {
  const { status, reads, stderr } = await readsWith('plain', 'none', { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } })
  assert.deepEqual([status, reads], [125, ''], stderr)
  assert.match(stderr, /cannot be dropped/)
  assert.match(stderr, /has none in \/etc\/subgid/)
  assert.match(stderr, /usermod --add-subgids \d+-\d+ usnt-/)
  assert.match((await readsWith('plain', 'none')).stderr, /newgidmap was not found/)
})

test('a list that has all of them needs nobody', { skip: can('plain') }, async () => {
  assert.equal((await readsWith('plain', 'DROPPED,KEPT')).reads, 'yes yes')
})

test('a group is not kept beside others without a subordinate id of that number', {
  skip: can('contained'),
}, async () => {
  const { stderr, status } = await readsWith('ranges', 'DROPPED')
  assert.equal(status, 125)
  assert.match(stderr, /\/etc\/subgid does not give \d+ to usnt-.*--add-subgids (\d+)-\1/s)
})

test('in a namespace that denies setgroups it is refused by that name', { skip: can('nested') }, async () => {
  const { status, stderr } = await readsWith('nested', 'none')
  assert.equal(status, 125)
  assert.match(stderr, /the user namespace around us denies setgroups/)
})

test('level L: root drops them, a user is refused', { skip: can('plain') }, async () => {
  const wish = { through: refusing([]), options: ['--min-level', 'L'] }
  const root = await readsWith('root', 'none', wish)
  assert.equal(root.reads, 'no no', root.stderr)
  assert.equal((await readsWith('root', 'KEPT', wish)).reads, 'yes no')
  const { status, stderr } = await readsWith('ranges', 'none', wish)
  assert.equal(status, 125)
  assert.match(stderr, /takes CAP_SETGID, and at level L/)
})

test('a refusal of the call itself is an error, and nothing runs', { skip: can('root') }, async () => {
  const { status, reads, stderr } = await readsWith('root', 'none', { through: withoutRights('setgroups') })
  assert.deepEqual([status, reads], [125, ''])
  assert.match(stderr, /cannot keep just these supplementary groups: none \(setgroups\)/)
})

const attacks = `
import ctypes, os, subprocess, sys
libc = ctypes.CDLL(None)
group, file = int(sys.argv[1]), sys.argv[2]
def reads():
    try: return 'SECRET' in open(file).read()
    except OSError: return False
def tried(step):
    pid = os.fork()
    if pid == 0:
        try: step()
        except Exception: pass
        os._exit(1 if reads() else 0)
    return os.waitpid(pid, 0)[1] != 0
def namespace():
    libc.unshare(0x10000000)
    open('/proc/self/setgroups', 'w').write('deny')
    open('/proc/self/gid_map', 'w').write('0 %d 1' % group)
    os.setgid(0)
def program(*argv): return lambda: print(*[b'SECRET' in subprocess.run(argv, capture_output=True).stdout and 'got it'], file=sys.stderr)
steps = [lambda: os.setgroups([group]), lambda: os.setgid(group), lambda: os.setresgid(group, group, group), namespace,
  lambda: libc.setfsgid(group)]
print([i for i, step in enumerate(steps) if tried(step)])
for argv in (['sg', sys.argv[1], '-c', 'cat ' + file], ['newgrp', sys.argv[1]], [sys.argv[3], file]):
    out = subprocess.run(argv, capture_output=True, stdin=subprocess.DEVNULL).stdout
    if b'SECRET' in out: print('got it by', argv)
print(group in os.getgroups())
`

for (const { who, options = [] } of [
  { who: 'root' },
  { who: 'ranges' },
  { who: 'ranges', options: ['--nested'] },
  { who: 'root', options: ['--nested'] },
  { who: 'root', options: ['--min-level', 'L'], isLandlocked: true },
] as const satisfies readonly { who: IdentityName; options?: readonly string[]; isLandlocked?: true }[]) {
  const title = `as ${who} ${options.join(' ')}: a group that was dropped does not come back`
  test(title, { skip: can(who) }, async () => {
    const { kept, dropped, files } = stage()
    const { identity } = await worldOf(who)
    // A program that would read the file for whoever runs it.
    const reader = join(files.dropped, '..', `reader-${dropped.name}`)
    const made = spawnSync('install', ['-m', '2755', '-g', String(dropped.id), '/bin/cat', reader])
    assert.equal(made.status, 0)
    const run = async (groups: string, around: readonly string[]) => {
      const sandboxed = [...around, await runtimePath(), 'sandbox', ...options, '--groups', groups]
      const shown = ['--ro', files.dropped, '--ro', reader, '--']
      const argv = ['/usr/bin/python3', '-c', attacks, String(dropped.id), files.dropped, reader]
      return runWith(identity, { groups: [kept, dropped] }, [...sandboxed, ...shown, ...argv])
    }
    const around = options.includes('L' as never) ? refusing([]) : []
    const { stdout, stderr } = await run('none', around)
    assert.deepEqual(stdout.trim().split('\n'), ['[]', 'False'], stderr)
    assert.notDeepEqual((await run('all', around)).stdout.trim().split('\n')[0], '[]')
  })
}

const program = `
import { sandbox } from 'usnea'
const [kept, dropped, ...options] = JSON.parse(process.argv[2])
const read = (file) => ['cat', file]
const tell = async (policy, settings) => {
  const box = sandbox({ ro: [kept, dropped], ...policy }, settings)
  await box.ready()
  const results = []
  for (const file of [kept, dropped, dropped]) results.push(await box.run(read(file), { reject: false }))
  try { return { read: results.map(({ exitCode }) => exitCode === 0), groups: results[0].groups, ids: (await box.run(['id', '-u'])).stdout } }
  finally {
    await box.close()
    if (policy.layer) await box.discard()
  }
}
console.log(JSON.stringify([
  await tell({ groups: 'none' }),
  await tell({ groups: 'none' }, { warm: 2 }),
  await tell({ groups: [options[0]] }, { warm: 2 }),
  await tell({ groups: 'none', memory: '200M', accept: ['limits'] }),
  await tell({ groups: 'none', layer: { folders: [process.env.HOME] } }),
  await tell({}),
]))
`

for (const who of ['root', 'ranges'] as const) {
  test(`as ${who}: the library, a warm pool, limits and layers drop them too, and results say how`, {
    skip: can(who),
  }, async () => {
    if (who === 'ranges') await grant(who)
    const { kept, dropped, files } = stage()
    const world = await worldOf(who)
    const library = join(await installed(), 'dist/lib/index.js')
    const script = world.file('program.mjs', program.replace("'usnea'", `'${library}'`))
    const words = JSON.stringify([files.kept, files.dropped, kept.name])
    const { stdout, stderr } = runWith(world.identity, { groups: [kept, dropped] }, ['node', script, words])
    assert.notEqual(stdout, '', stderr)
    const told = JSON.parse(stdout)
    const enforcedBy = who === 'root' ? 'setgroups' : 'newgidmap'
    const ids = String(world.identity.user.uid)
    const both = [kept.id, dropped.id].sort((a, b) => a - b)
    const none = { read: [false, false, false], groups: { kept: [], dropped: both, enforcedBy }, ids }
    const one = { read: [true, false, false], groups: { kept: [kept.id], dropped: [dropped.id], enforcedBy }, ids }
    const all = { read: [true, true, true], groups: { kept: both, dropped: [], enforcedBy: 'nothing' }, ids }
    assert.deepEqual(told, [none, none, one, none, none, all])
  })
}

test('an explanation says which stay, and who drops the others', { skip: can('ranges') }, async () => {
  const { kept, dropped } = stage()
  const { identity } = await worldOf('ranges')
  const explain = async (groups: string) =>
    runWith(identity, { groups: [kept, dropped] }, [await runtimePath(), '--groups', groups, '--explain', '--', 'true'])
  assert.match((await explain('none')).stdout, /groups .*all others are dropped.*newgidmap/)
  const words = (await explain('all')).stdout
  for (const { name, id } of [kept, dropped]) assert.ok(words.includes(`${name} (${id})`), words)
})

test('what is no group, or none of the caller, is an error; a project may drop and not add', {
  skip: can('root'),
}, async () => {
  const { kept, dropped } = stage()
  const world = await worldOf('root')
  const other = provideGroup()
  const run = async (args: readonly string[], cwd = '/') =>
    runWith({ ...world.identity, home: cwd }, { groups: [kept, dropped] }, [
      await runtimePath(),
      ...args,
      '--',
      'id',
      '-G',
    ])
  assert.match((await run(['--groups', 'nosuch'])).stderr, /there is no group nosuch/)
  assert.match((await run(['--groups', other.name])).stderr, /is no group of the caller.*\?usntg/)
  assert.equal((await run(['--groups', `?${other.name}`])).stdout.trim(), '0')
  assert.match((await run(['--groups', `all,${kept.name}`])).stderr, /all stands alone/)

  const policy = world.file('drops/.usnea.toml', 'groups = []\n')
  const project = join(policy, '..')
  assert.equal((await run([], project)).stdout.trim(), '0')
  const config = world.file('own.toml', `[sandbox]\ngroups = ["${kept.name}"]\n`)
  appendFileSync(policy, '')
  const adding = join(world.file('adds/.usnea.toml', `groups = "${dropped.name}"\n`), '..')
  const { stderr } = runWith(
    { ...world.identity, home: adding },
    { groups: [kept, dropped], env: { USNEA_CONFIG: config } },
    [await runtimePath(), '--', 'id'],
  )
  assert.match(stderr, /asks for more than a project may[\s\S]*yours keeps usntg-/)
})
