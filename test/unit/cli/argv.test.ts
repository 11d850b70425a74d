import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isRuntimeError, type RuntimeError } from '../../../src/base/errors.ts'
import { countProblem, readCall, readGlobals } from '../../../src/cli/argv.ts'
import { findCommand } from '../../../src/cli/find-command.ts'
import { verbs } from '../../../src/cli/verbs.ts'

/** Everything that was given: flags that kept their empty value are left out. */
interface Cut {
  readonly globals?: Record<string, unknown>
  readonly verb: string
  readonly flags?: Record<string, unknown>
  readonly args?: readonly string[]
  readonly tail?: readonly string[]
}

const given = (values: object) =>
  Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined && value !== false && !isEmpty(value)),
  )
const isEmpty = (value: unknown) => Array.isArray(value) && value.length === 0

async function cut(argv: readonly string[]): Promise<Required<Cut>> {
  const { values, verb = '', rest, problem } = readGlobals(argv)
  if (problem !== undefined) throw problem
  const command = await findCommand(verb, verbs)
  const { flags, args, tail } = readCall(command, rest)
  return { globals: given(values), verb, flags: given(flags), args, tail }
}

const goRunc = {
  root: '/r',
  debug: true,
  log: '/b/log.json',
  'log-format': 'json',
  'systemd-cgroup': true,
  rootless: 'true',
}
const goRuncWords = '--root /r --debug --log /b/log.json --log-format json --systemd-cgroup --rootless=true'.split(' ')

const rows: readonly [line: string, expected: Cut][] = [
  // containerd's shim and buildkit, through go-runc
  [
    'create --bundle /b --console-socket /s --pid-file /p --no-pivot --no-new-keyring --detach --preserve-fds 2 ID',
    {
      verb: 'create',
      flags: {
        bundle: '/b',
        'console-socket': '/s',
        'pid-file': '/p',
        'no-pivot': true,
        'no-new-keyring': true,
        detach: true,
        'preserve-fds': 2,
      },
      args: ['ID'],
    },
  ],
  ['start ID', { verb: 'start', args: ['ID'] }],
  [
    'exec --process /t/runc-process1 --console-socket /s --detach --pid-file /p ID',
    {
      verb: 'exec',
      flags: { process: '/t/runc-process1', 'console-socket': '/s', detach: true, 'pid-file': '/p' },
      args: ['ID'],
    },
  ],
  [
    'run --bundle /b --keep --pid-file /p ID',
    { verb: 'run', flags: { bundle: '/b', keep: true, 'pid-file': '/p' }, args: ['ID'] },
  ],
  ['delete ID', { verb: 'delete', args: ['ID'] }],
  ['delete --force ID', { verb: 'delete', flags: { force: true }, args: ['ID'] }],
  ['kill ID 15', { verb: 'kill', args: ['ID', '15'] }],
  ['kill --all ID 9', { verb: 'kill', flags: { all: true }, args: ['ID', '9'] }],
  ['list --format=json', { verb: 'list', flags: { format: 'json' } }],
  ['ps --format json ID', { verb: 'ps', flags: { format: 'json' }, args: ['ID'] }],
  ['ps --format table ID aux', { verb: 'ps', flags: { format: 'table' }, args: ['ID'], tail: ['aux'] }],
  ['state ID', { verb: 'state', args: ['ID'] }],
  ['features', { verb: 'features' }],

  // podman and conmon
  [
    '--systemd-cgroup --log-format=json --log /u/oci-log create --bundle /b --pid-file /p --no-pivot --no-new-keyring --console-socket /s ID',
    {
      globals: { 'systemd-cgroup': true, 'log-format': 'json', log: '/u/oci-log' },
      verb: 'create',
      flags: { bundle: '/b', 'pid-file': '/p', 'no-pivot': true, 'no-new-keyring': true, 'console-socket': '/s' },
      args: ['ID'],
    },
  ],
  [
    '--cgroup-manager disabled exec --pid-file /p --process /j --detach --console-socket /s ID',
    {
      globals: { 'cgroup-manager': 'disabled' },
      verb: 'exec',
      flags: { 'pid-file': '/p', process: '/j', detach: true, 'console-socket': '/s' },
      args: ['ID'],
    },
  ],
  [
    'checkpoint --image-path /i --work-path /w --parent-path p --tcp-established --ext-unix-sk --shell-job --file-locks --manage-cgroups-mode soft --empty-ns network --empty-ns net --leave-running --pre-dump ID',
    {
      verb: 'checkpoint',
      flags: {
        'image-path': '/i',
        'work-path': '/w',
        'parent-path': 'p',
        'tcp-established': true,
        'ext-unix-sk': true,
        'shell-job': true,
        'file-locks': true,
        'manage-cgroups-mode': 'soft',
        'empty-ns': ['network', 'net'],
        'leave-running': true,
        'pre-dump': true,
      },
      args: ['ID'],
    },
  ],
  [
    'restore --image-path /i --work-path /w --bundle /b --detach --pid-file /p -no-subreaper --no-pivot ID',
    {
      verb: 'restore',
      flags: {
        'image-path': '/i',
        'work-path': '/w',
        bundle: '/b',
        detach: true,
        'pid-file': '/p',
        'no-subreaper': true,
        'no-pivot': true,
      },
      args: ['ID'],
    },
  ],
  ['events --stats ID', { verb: 'events', flags: { stats: true }, args: ['ID'] }],
  ['events --interval 5s ID', { verb: 'events', flags: { interval: '5s' }, args: ['ID'] }],
  ['pause ID', { verb: 'pause', args: ['ID'] }],
  ['resume ID', { verb: 'resume', args: ['ID'] }],
  ['update --resources=- ID', { verb: 'update', flags: { resources: '-' }, args: ['ID'] }],
  ['update --resources - ID', { verb: 'update', flags: { resources: '-' }, args: ['ID'] }],
  ['update --resources /r.json ID', { verb: 'update', flags: { resources: '/r.json' }, args: ['ID'] }],
  [
    'update ID --memory 50M --memory-swap -1 --pids-limit 20',
    { verb: 'update', flags: { memory: '50M', 'memory-swap': '-1', 'pids-limit': '20' }, args: ['ID'] },
  ],
  ['mounts add ID /m.json', { verb: 'mounts', args: ['add', 'ID', '/m.json'] }],
  ['delete --regex x.*', { verb: 'delete', flags: { regex: true }, args: ['x.*'] }],
  ['kill -r x.* KILL', { verb: 'kill', flags: { regex: true }, args: ['x.*', 'KILL'] }],
  ['--root /r kill ID 15', { globals: { root: '/r' }, verb: 'kill', args: ['ID', '15'] }],

  // CRI-O
  [
    '--root /r --systemd-cgroup kill -a ID KILL',
    { globals: { root: '/r', 'systemd-cgroup': true }, verb: 'kill', flags: { all: true }, args: ['ID', 'KILL'] },
  ],
  ['exec --process F ID', { verb: 'exec', flags: { process: 'F' }, args: ['ID'] }],

  // single dashes, booleans with a value, options behind the id
  ['run -no-subreaper -bundle /b ID', { verb: 'run', flags: { 'no-subreaper': true, bundle: '/b' }, args: ['ID'] }],
  ['run -bundle=/b ID', { verb: 'run', flags: { bundle: '/b' }, args: ['ID'] }],
  ['-root /r -log=/l state ID', { globals: { root: '/r', log: '/l' }, verb: 'state', args: ['ID'] }],
  ['run --detach=false --no-pivot=true ID', { verb: 'run', flags: { 'no-pivot': true }, args: ['ID'] }],
  ['--systemd-cgroup=true list', { globals: { 'systemd-cgroup': true }, verb: 'list' }],
  ['--debug=F list', { verb: 'list' }],
  ['delete ID --force', { verb: 'delete', flags: { force: true }, args: ['ID'] }],
  ['create ID -b /b', { verb: 'create', flags: { bundle: '/b' }, args: ['ID'] }],
  ['kill ID -a TERM', { verb: 'kill', flags: { all: true }, args: ['ID', 'TERM'] }],
  ['delete -- --force', { verb: 'delete', args: ['--force'] }],
  ['run -d true', { verb: 'run', flags: { detach: true }, args: ['true'] }],
  ['create --bundle -x ID', { verb: 'create', flags: { bundle: '-x' }, args: ['ID'] }],
  // what a caller's own caller left empty
  ['create --bundle= ID', { verb: 'create', args: ['ID'] }],
  ['--log= create --console-socket= --pid-file= --pidfd-socket= ID', { verb: 'create', args: ['ID'] }],
  ['exec --cwd= --user= --console-socket= --pid-file=/p --pid-file= ID a', { verb: 'exec', args: ['ID'], tail: ['a'] }],
  ['exec --env= --cap= ID a', { verb: 'exec', flags: { env: [''], cap: [''] }, args: ['ID'], tail: ['a'] }],
  ['--root= list', { globals: { root: '' }, verb: 'list' }],
  ['sandbox --net= -- a', { verb: 'sandbox', flags: { net: '' }, tail: ['a'] }],
  ['create --bundle a=b ID', { verb: 'create', flags: { bundle: 'a=b' }, args: ['ID'] }],
  ['create --bundle=a=b ID', { verb: 'create', flags: { bundle: 'a=b' }, args: ['ID'] }],
  ['create -b one -b two ID', { verb: 'create', flags: { bundle: 'two' }, args: ['ID'] }],

  // the user's own words
  ['exec ID ls -l', { verb: 'exec', args: ['ID'], tail: ['ls', '-l'] }],
  ['exec -t ID sh -c x', { verb: 'exec', flags: { tty: true }, args: ['ID'], tail: ['sh', '-c', 'x'] }],
  ['exec ID --help', { verb: 'exec', args: ['ID'], tail: ['--help'] }],
  ['exec ID -- ls', { verb: 'exec', args: ['ID'], tail: ['--', 'ls'] }],
  ['exec -- ID ls', { verb: 'exec', args: ['ID'], tail: ['ls'] }],
  ['exec --tty=false -dt ID a', { verb: 'exec', flags: { detach: true, tty: true }, args: ['ID'], tail: ['a'] }],
  [
    'exec -e 1 -e A=b,c -e X.y=0x10 --env Z= -c CAP_KILL -c CAP_CHOWN -g 1 -g 02 -u 7:8 ID a',
    {
      verb: 'exec',
      flags: {
        env: ['1', 'A=b,c', 'X.y=0x10', 'Z='],
        cap: ['CAP_KILL', 'CAP_CHOWN'],
        'additional-gids': ['1', '02'],
        user: '7:8',
      },
      args: ['ID'],
      tail: ['a'],
    },
  ],
  ['ps ID -ef', { verb: 'ps', args: ['ID'], tail: ['-ef'] }],
  ['-- ls -l', { verb: 'sandbox', tail: ['ls', '-l'] }],
  ['-- --version', { verb: 'sandbox', tail: ['--version'] }],
  ['sandbox ls -l', { verb: 'sandbox', tail: ['ls', '-l'] }],
  ['sandbox -- ls -- -l', { verb: 'sandbox', tail: ['ls', '--', '-l'] }],
  [
    'sandbox --ro /a --ro /b:/c --net host ls --rw',
    { verb: 'sandbox', flags: { ro: ['/a', '/b:/c'], net: 'host' }, tail: ['ls', '--rw'] },
  ],
  ['--debug --net host -- ls', { globals: { debug: true }, verb: 'sandbox', flags: { net: 'host' }, tail: ['ls'] }],
  ['--debug -- ls', { globals: { debug: true }, verb: 'sandbox', tail: ['ls'] }],
  ['plan --bundle /b --json', { verb: 'plan', flags: { bundle: '/b', json: true } }],
  ['plan --ro /a -- ls --json', { verb: 'plan', flags: { ro: ['/a'] }, tail: ['ls', '--json'] }],
]

describe('the argument vector is cut into global options, verb, options, arguments and the words of somebody else', () => {
  for (const [line, expected] of rows) {
    it(`usnea ${line}`, async () => {
      const { globals = {}, verb, flags = {}, args = [], tail = [] } = expected
      assert.deepEqual(await cut(line.split(' ')), { globals, verb, flags, args, tail })
    })
  }

  it('go-runc may put all of its global options before every verb', async () => {
    for (const [line, expected] of rows.slice(0, 13)) {
      const { globals, verb } = await cut([...goRuncWords, ...line.split(' ')])
      assert.deepEqual({ globals, verb }, { globals: goRunc, verb: expected.verb })
    }
  })

  it('every long option may have one dash, as Go programs write it', async () => {
    for (const [line, expected] of rows.filter(([line]) => !line.split(' ').includes('--'))) {
      const words = line.split(' ')
      const ours = words.length - (expected.tail?.length ?? 0)
      const single = words.map((word, at) => (at < ours ? word.replace(/^--(?=\w)/, '-') : word))
      assert.deepEqual(await cut(single), await cut(words), single.join(' '))
    }
  })

  it('a command behind exec ID or -- is never touched, whatever its words are', async () => {
    const words = fc.array(fc.oneof(fc.string(), fc.constantFrom('--', '-e', '--help', '-h', '--env=x', '--root')), {
      minLength: 1,
    })
    await fc.assert(
      fc.asyncProperty(words, async (command) => {
        assert.deepEqual((await cut(['exec', '-e', 'A=1', 'ID', ...command])).tail, command)
        assert.deepEqual((await cut(['--', ...command])).tail, command)
        assert.deepEqual((await cut(['sandbox', '--net', 'none', '--', ...command])).tail, command)
      }),
    )
  })

  it('any value survives, in both spellings', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async (value) => {
        for (const words of [['--env', value], [`--env=${value}`], ['-e', value], [`-e=${value}`], ['-env', value]]) {
          assert.deepEqual((await cut(['exec', ...words, 'ID', 'a'])).flags, { env: [value] })
        }
      }),
    )
  })
})

async function failureOf(argv: readonly string[]): Promise<RuntimeError> {
  const failure = await cut(argv).then(
    () => assert.fail(`${argv.join(' ')} was accepted`),
    (error: unknown) => error,
  )
  assert.ok(isRuntimeError(failure), String(failure))
  return failure
}

describe('a mistake is one error that names the way out', () => {
  const mistakes: readonly [line: string, code: string, words: RegExp][] = [
    ['create --budnle /b ID', 'usage', /^flag provided but not defined: --budnle; fix: use --bundle$/],
    ['create --console-sock=/s ID', 'usage', /not defined: --console-sock; fix: use --console-socket$/],
    ['--rooot /r list', 'usage', /not defined: --rooot; fix: use --root$/],
    ['state --qqqqqqq ID', 'usage', /not defined: --qqqqqqq; fix: see usnea state --help$/],
    ['exec -user-name x ID a', 'usage', /not defined: -user-name/],
    ['exec -u1000 ID a', 'usage', /not defined: -u1000/],
    ['create --root /r ID', 'usage', /not defined: --root; fix: put it before the command: usnea --root create$/],
    ['create ID --bundle', 'usage', /^flag needs an argument: --bundle$/],
    ['--root', 'usage', /^flag needs an argument: --root$/],
    ['run --detach=maybe ID', 'usage', /^invalid boolean value "maybe" for --detach$/],
    ['create --preserve-fds 1x ID', 'usage', /^invalid value "1x" for --preserve-fds: not a whole number$/],
    ['create --preserve-fds= ID', 'usage', /^invalid value "" for --preserve-fds: not a whole number$/],
    [
      'crate ID',
      'usage',
      /^No help topic for 'crate': unknown command; fix: use create; to run a program in a sandbox: usnea -- crate$/,
    ],
    ['toString', 'usage', /^No help topic for 'toString'/],
  ]
  for (const [line, code, words] of mistakes) {
    it(`usnea ${line}`, async () => {
      const failure = await failureOf(line.split(' '))
      assert.equal(failure.code, code)
      assert.match(failure.message, words)
    })
  }

  it('global options behind a mistake are still read, for the log that it belongs in', () => {
    const { values, problem, verb } = readGlobals(['--bogus', '--log', '/l', 'state', 'ID'])
    assert.equal(values.log, '/l')
    assert.equal(verb, 'state')
    assert.match(problem?.message ?? '', /--bogus/)
  })
})

describe('a wrong number of arguments is told in the words of runc', () => {
  const counts: readonly [line: string, words: string | undefined][] = [
    ['create', 'usnea: "create" requires exactly 1 argument(s)'],
    ['create a b', 'usnea: "create" requires exactly 1 argument(s)'],
    ['list a', 'usnea: "list" requires exactly 0 argument(s)'],
    ['kill', 'usnea: "kill" requires a minimum of 1 argument(s)'],
    ['kill a b c', 'usnea: "kill" requires a maximum of 2 argument(s)'],
    ['kill a', undefined],
    ['exec', 'usnea: "exec" requires exactly 1 argument(s)'],
    ['exec a b c', undefined],
    ['sandbox', 'usnea: "sandbox" requires a minimum of 1 argument(s)'],
    ['sandbox a b c', undefined],
    ['plan', undefined],
  ]
  for (const [line, words] of counts) {
    it(`usnea ${line}`, async () => {
      const { verb = '', rest } = readGlobals(line.split(' '))
      const command = await findCommand(verb, verbs)
      assert.equal(countProblem(command, readCall(command, rest)), words)
    })
  }
})

describe('help is asked for in every usual way, and only before the words of somebody else', () => {
  for (const word of ['-h', '--help', '-help', '-?']) {
    it(word, async () => {
      const command = await findCommand('exec', verbs)
      assert.equal(readCall(command, [word]).help, true)
      assert.equal(readCall(command, ['-t', word, 'ID']).help, true)
      assert.equal(readCall(command, ['ID', word]).help, false)
      assert.equal(readGlobals([word]).help, true)
    })
  }
})
