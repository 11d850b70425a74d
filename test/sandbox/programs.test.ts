/** Programs that people use run under the profile for them, and the same with a hostile part gets nothing. docs/policy.md says so. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { whyNot } from '../fixtures/as.ts'
import { reachableNode, runtimePath } from '../fixtures/install.ts'
import { findProgram, needs, whyNotFound } from '../fixtures/needs.ts'
import { attackScript, openScene, pidsOf, type Scene } from '../fixtures/scene.ts'
import { onTerminal } from '../fixtures/terminal.ts'
import { until } from '../fixtures/until.ts'
import { type Outcome, openWorld, succeeded, type World } from '../fixtures/world.ts'
import { attackRows } from './attacks.ts'

const who = 'ranges'
const python = '/usr/bin/python3'
const needed = whyNot(who) ?? needs('python3') ?? (existsSync(python) ? undefined : `needs ${python}`) ?? undefined
const world = needed === undefined ? await openWorld(who) : undefined
after(() => world?.[Symbol.asyncDispose]())

interface Project extends Scene {
  readonly world: World
  /** Writes a file of the project. */
  readonly file: (name: string, text: string) => string
  readonly read: (name: string) => string
  /** Runs a command in a sandbox with these options, in the project. */
  readonly box: (options: readonly string[], ...command: string[]) => Promise<Outcome>
  /** Ids of the attacks that got something, of what attacks.py wrote into got.json. */
  readonly reached: (text: string) => string[]
}

async function openProject(): Promise<Project> {
  assert.ok(world)
  const scene = await openScene(world)
  const { home, project, marker } = scene.facts
  const usnea = await runtimePath()
  const log = join(home, 'denials.jsonl')
  const inside = project.slice(world.identity.home.length + 1)
  const file = (name: string, text: string) => world.file(join(inside, name), text)
  file('attacks.py', attackScript)
  file('facts.json', JSON.stringify(scene.facts))
  return {
    ...scene,
    world,
    file,
    read: (name) => readFileSync(join(project, name), 'utf8'),
    box: (options, ...command) =>
      world.run([usnea, '--no-config', '--log-denials', log, ...options, '--', ...command], {
        cwd: project,
        env: { HOME: home, ...secrets },
      }),
    reached: (text) => {
      assertTold(readFileSync(log, 'utf8'), scene.facts)
      const got: Record<string, string | null> = JSON.parse(text)
      assert.deepEqual(Object.keys(got).sort(), attackRows.map(({ id }) => id).sort())
      assert.deepEqual(pidsOf(marker), [])
      return Object.keys(got).filter((id) => got[id] !== null)
    },
  }
}

/** What leads to sockets and accounts of the caller. */
const secrets = {
  SSH_AUTH_SOCK: '/run/agent',
  DBUS_SESSION_BUS_ADDRESS: 'unix:path=/run/bus',
  DOCKER_HOST: 'unix:///run/docker.sock',
  CLOUD_TOKEN: 'SECRET',
}

/** Of every profile. */
const refusedCalls = [
  ...['acct', 'add_key', 'bpf', 'fanotify_init', 'init_module', 'io_uring_setup', 'ioctl', 'kexec_load', 'keyctl'],
  ...['open_by_handle_at', 'perf_event_open', 'quotactl', 'reboot', 'socket', 'swapon', 'syslog', 'userfaultfd'],
]

/** The attacks that one would do something about, as --log-denials has to tell them. */
function assertTold(log: string, { home, project, victim }: Scene['facts']): void {
  const lines = log
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
  const told = new Set(
    lines.map(({ kind, action, path, address, call }) => `${kind} ${action} ${path ?? address ?? call}`),
  )
  const wanted = [
    `file read ${home}/.ssh/id`,
    `file write ${project}/.git/hooks/pre-commit`,
    `file write ${project}/.git/config`,
    `file connect ${home}/private.sock`,
    `file connect @${victim.abstract}`,
    'network connect 169.254.169.254',
    'network connect 192.0.2.1',
    `process signal /proc/${victim.pid}`,
    `process read /proc/${victim.pid}/mem`,
    `process read /proc/${victim.pid}/environ`,
    ...refusedCalls.map((call) => `call call ${call}`),
  ]
  assert.deepEqual(
    wanted.filter((text) => !told.has(text)),
    [],
    log,
  )
  assert.ok(lines.every(({ verdict, rule }) => verdict === 'refused' && rule !== undefined))
}

async function within(play: (project: Project) => Promise<void>): Promise<void> {
  const project = await openProject()
  try {
    await play(project)
  } finally {
    await project.close()
  }
}

/** What a script in the project does to attack; what it got is in got.json. */
const attack = `${python} "$PROJECT/attacks.py" "$(cat "$PROJECT/facts.json")" > "$PROJECT/got.json"`
/** What no level stops: it harms nobody but the command itself, or is bounded (docs/levels.md). */
const allowed = ['fixed-addresses', 'memory-program', 'memory-of-machine']
/** And the only thing that a writable project is not kept from, and that is told at the end. */
const left = ['ci-file', ...allowed]

test('strict: a program runs, and a hostile one gets nothing at all', { skip: needed ?? false }, () =>
  within(async ({ facts, box, read, reached }) => {
    const profile = ['--profile', 'strict']
    assert.equal((await box(profile, python, '-c', 'print(6 * 7)').then(shown)).stdout, '42\n')
    const got = reached(succeeded(await box(profile, python, '-c', attackScript, JSON.stringify(facts))))
    const env = succeeded(await box(profile, '/usr/bin/env'))
    for (const name of Object.keys(secrets)) assert.ok(!env.includes(name), name)
    // Both were made in the private home, which is gone.
    assert.deepEqual(got, ['ci-file', 'own-policy', ...allowed])
    assert.equal(read('.usnea.toml'), '')
    assert.ok(!existsSync(join(facts.project, '.github')))
  }),
)

const npm = needed ?? whyNotFound('npm', 'npm') ?? needs('gcc')
test('node: npm install with a script that builds, and a hostile one', { skip: npm ?? false }, () =>
  within(async ({ facts: { project }, file, box, read, reached }) => {
    const scripts = { install: 'cc hello.c -o hello', postinstall: 'sh hostile.sh' }
    file('made/package/package.json', JSON.stringify({ name: 'builds', version: '1.0.0', scripts }))
    file('made/package/hello.c', '#include <stdio.h>\nint main(void) { return puts("built") < 0; }\n')
    file('made/package/hostile.sh', `PROJECT=$INIT_CWD\n${attack}\n`)
    file('package.json', JSON.stringify({ name: 'project', version: '1.0.0', private: true }))
    execFileSync('tar', ['-C', join(project, 'made'), '-czf', join(project, 'made.tgz'), 'package'])
    file('registry.mjs', readFileSync(new URL('../fixtures/npm-registry.mjs', import.meta.url), 'utf8'))
    const script = `
      "$0" registry.mjs 4873 made.tgz builds > ready & until grep -q ready ready; do sleep 0.1; done
      npm install --registry http://127.0.0.1:4873 --no-audit --no-fund builds && exec node_modules/builds/hello`
    const { stdout } = await box(['--profile', 'node'], '/bin/sh', '-c', script, await reachableNode()).then(shown)
    assert.match(stdout, /added 1 package[\s\S]*built\n$/)
    assert.equal(JSON.parse(read('package.json')).dependencies.builds, '^1.0.0')
    assert.deepEqual(reached(read('got.json')), left)
  }),
)

test('python: a virtual environment with a package, and a hostile one', { skip: needed ?? false }, () =>
  within(async ({ facts: { project }, file, box, read, reached }) => {
    file('build.py', wheel)
    file('attack.sh', attack)
    const script = `
      ${python} build.py && ${python} -m venv --without-pip .venv && unzip=made-1.0-py3-none-any.whl
      .venv/bin/python -m zipfile -e "$unzip" "$(.venv/bin/python -c 'import site; print(site.getsitepackages()[0])')"
      .venv/bin/python -c 'import made, sys; print(made.said, sys.prefix != sys.base_prefix)'`
    const { stdout } = await box(['--profile', 'python', '--env', `PROJECT=${project}`], '/bin/sh', '-ec', script).then(
      shown,
    )
    assert.equal(stdout, 'installed True\n')
    assert.deepEqual(reached(read('got.json')), left)
  }),
)

/** Makes a wheel whose module attacks when it is imported. */
const wheel = `
import zipfile
with zipfile.ZipFile("made-1.0-py3-none-any.whl", "w") as z:
    z.writestr("made/__init__.py", '''
import os, subprocess
subprocess.run(["/bin/sh", os.environ["PROJECT"] + "/attack.sh"], check=True)
said = "installed"
''')
    z.writestr("made-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: made\\nVersion: 1.0\\n")
    z.writestr("made-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    z.writestr("made-1.0.dist-info/RECORD", "")
`

const make = needed ?? whyNotFound('make', 'make') ?? needs('gcc')
test('build: make with a C compiler, and a hostile Makefile', { skip: make ?? false }, () =>
  within(async ({ facts: { project }, file, box, read, reached }) => {
    file('hello.c', '#include <stdio.h>\nint main(void) { return puts("built") < 0; }\n')
    file(
      'Makefile',
      `all: hello\n\t./hello\n\t${attack.replaceAll('$', '$$$$')}\nhello: hello.c\n\t$(CC) -O2 -o $@ $<\n`,
    )
    const { stdout } = await box(['--profile', 'build', '--env', `PROJECT=${project}`], 'make', '-s').then(shown)
    assert.equal(stdout, 'built\n')
    assert.deepEqual(reached(read('got.json')), left)
  }),
)

test(
  'agent: git clone, commit and log, and a hook that cannot be planted',
  { skip: needed ?? whyNotFound('git', 'git') ?? false },
  () =>
    within(async ({ facts: { home, project }, world, file, box, read, reached }) => {
      world.file(
        join(home.slice(world.identity.home.length + 1), '.gitconfig'),
        '[user]\nname = a\nemail = a@example.org\n',
      )
      const clone = `
      git init -q --bare origin.git && git clone -q origin.git clone 2>/dev/null && cd clone
      echo one > file && git add file && git commit -qm first && git push -q origin HEAD && git log --format=%s%x20by%x20%an`
      const options = ['--profile', 'agent', '--env', `PROJECT=${project}`]
      assert.equal((await box(options, '/bin/sh', '-ec', clone).then(shown)).stdout, 'first by a\n')
      const again = [...options, '--cwd', join(project, 'clone'), '--rw', join(project, 'clone')]
      const commit = `
      echo two > file && git commit -qam second && git log --format=%s
      for path in .git/hooks/pre-commit .git/config; do (echo x >> $path) 2>/dev/null && echo "wrote $path"; done; mv .git .hg 2>/dev/null && echo moved
      ${attack}`
      assert.equal((await box(again, '/bin/sh', '-c', commit).then(shown)).stdout, 'second\nfirst\n')
      assert.deepEqual(reached(read('got.json')), left)
      file('clone/after', '')
    }),
)

const browser = ['chromium', 'chromium-browser', 'google-chrome'].find((name) => findProgram(name) !== undefined)
test(
  'desktop: a browser draws a page and runs its script',
  {
    skip: needed ?? (browser === undefined ? whyNotFound('chromium', 'chromium') : false),
  },
  () =>
    within(async ({ facts: { project }, file, box, reached }) => {
      const page = file('page.html', '<p id=one></p><script>one.textContent = 6 * 7</script>')
      const options = ['--profile', 'desktop', '--net', 'none', '--ro', page]
      const call = [browser ?? '', '--headless', '--disable-gpu', '--dump-dom', `file://${page}`]
      assert.match((await box(options, ...call).then(shown)).stdout, /<p id="one">42<\/p>/)
      const attacked = await box(
        ['--profile', 'desktop', '--net', 'none', '--ro', project],
        ...[python, join(project, 'attacks.py'), readFileSync(join(project, 'facts.json'), 'utf8')],
      )
      assert.deepEqual(reached(succeeded(attacked)), ['user-namespace', 'user-namespace-by-clone3', ...allowed])
    }),
)

const editors: Readonly<Record<string, { readonly call: string[]; readonly keys: string; readonly package: string }>> =
  {
    vim: { call: ['vim', '-u', 'NONE', '-n', 'text'], keys: 'ihello\u001b:wq\r', package: 'vim' },
    nano: { call: ['nano', '--ignorercfiles', 'text'], keys: 'hello\u0018y\r', package: 'nano' },
  }
for (const [name, { call, keys, package: debian }] of Object.entries(editors))
  test(`agent: ${name} writes a file on a terminal`, { skip: needed ?? whyNotFound(name, debian) ?? false }, () =>
    within(async ({ facts: { home, project }, world, read, file }) => {
      file('text', '')
      const argv = [await runtimePath(), '--no-config', '--profile', 'agent', '--', ...call]
      const inProject = ['sh', '-c', 'cd "$0" && exec "$@"', project]
      await using terminal = onTerminal(world, [...inProject, ...argv], { env: { HOME: home, TERM: 'xterm' } })
      await until(`${name} is there`, () => terminal.text().includes('text'))
      terminal.write(keys)
      await until(`${name} has ended`, () => terminal.status() !== undefined)
      assert.equal(terminal.status(), 0, terminal.text())
      assert.equal(read('text'), 'hello\n')
    }),
  )

/** With what was said in the error. */
function shown(outcome: Outcome): Outcome {
  succeeded(outcome)
  return outcome
}
