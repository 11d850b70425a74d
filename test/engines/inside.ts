/** usnea in a container of an engine: level L under the default profile, and user namespaces under the one that we ship. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { imageName } from '../fixtures/image.ts'
import { installed, reachableNode, repository, runtimePath } from '../fixtures/install.ts'
import { type Outcome, succeeded, type World } from '../fixtures/world.ts'
import { type AttackRow, attackRows } from '../sandbox/attacks.ts'

export interface Engine {
  readonly name: string
  readonly world: World
  readonly call: (args: readonly string[], options?: { readonly input?: string }) => Promise<Outcome>
  /** The option that shows /proc as a whole. */
  readonly unmasked: string
  /** The level of containers with our profile, of root and of another user. */
  readonly levels: { readonly root: string; readonly user: string }
}

const shipped = join(repository, 'docs/profiles/seccomp.json')

/** What Docker does by default: ours without what it adds, but for the calls of clone that make no namespace. */
function dockerDefault(): string {
  const profile = JSON.parse(readFileSync(shipped, 'utf8'))
  const args = [{ index: 0, op: 'SCMP_CMP_MASKED_EQ', value: 0x7e02_0000, valueTwo: 0 }]
  const clone = { names: ['clone'], action: 'SCMP_ACT_ALLOW', args }
  return JSON.stringify({ ...profile, syscalls: [...profile.syscalls.slice(0, -1), clone] })
}

/** The host's programs, usnea, and the files of the tests. */
async function shown(): Promise<string[]> {
  const places = ['/usr', '/lib', '/lib64', '/etc/alternatives', await installed(), join(repository, 'test/fixtures')]
  const node = await reachableNode()
  return [...places, ...(node.startsWith('/usr/') ? [] : [node])].flatMap((path) => ['--volume', `${path}:${path}:ro`])
}

/** The doctor, a sandbox, and a container. */
const insideScript = `
"$0" doctor --json
"$0" -- /bin/echo ran
mkdir -p /tmp/b/rootfs/bin && cp /bin/busybox /tmp/b/rootfs/bin/sh && cd /tmp/b
"$0" spec --rootless && sed -i 's/"terminal": true/"terminal": false/' config.json
echo 'echo contained' | "$0" --root /tmp/s run b`

/** Options, and words of the refusal. */
const refusals: readonly (readonly [RegExp, ...string[]])[] = [
  [/cannot create a user namespace.*seccomp.*--min-level L/],
  [/allow-host: it needs a network namespace, and level L has none/, '--min-level', 'L', '--allow-host', 'example.org'],
  [/pasta: it needs a network namespace, and level L has none/, '--min-level', 'L', '--net', 'pasta'],
  [/nested: level L lets nobody make a user namespace/, '--min-level', 'L', '--nested'],
  [/cannot appear at \/x: level L moves nothing/, '--min-level', 'L', '--ro', '/etc:/x'],
  [/disk: level L has no private directories/, '--min-level', 'L', '--disk', '1M'],
  [/protect: .* cannot be read-only/, '--min-level', 'L', '--rw', '/tmp/home/project'],
]

/** By Docker's profile: of personality(2) it lets five values through. */
const stoppedAround = new Set(['fixed-addresses'])

export function insideTests(open: () => Engine | undefined, skip: string | undefined): void {
  const name = 'usnea in a container'
  test(`${name} with Docker's default profile and no capabilities: level L, its attacks, and its refusals`, {
    skip,
  }, async () => {
    const { world, call, name: engine } = used(open)
    const profile =
      engine === 'docker' ? [] : ['--security-opt', `seccomp=${world.file('docker-default.json', dockerDefault())}`]
    const closed = ['--user', '1234:1234', '--cap-drop', 'ALL', ...profile, '--network', 'none', ...(await shown())]
    const usnea = await runtimePath()
    const stage = [
      '/usr/bin/python3',
      join(repository, 'test/fixtures/stage.py'),
      join(repository, 'test/fixtures'),
      usnea,
    ]
    const calls = [['doctor', '--json'], ...refusals.map(([, ...options]) => [...options, '--', '/bin/echo', 'ran'])]
    const argv = ['run', '--rm', '--interactive', ...closed, imageName, ...stage]
    const { got, calls: ended } = JSON.parse(succeeded(await call(argv, { input: JSON.stringify(calls) })))
    const [doctor, ...refused] = ended
    const { level, sandbox } = JSON.parse(doctor.stdout)
    assert.deepEqual([level, sandbox], ['L', 'L'], doctor.stdout)
    for (const [index, [words]] of refusals.entries()) {
      assert.match(refused[index].stderr, words)
      assert.deepEqual([refused[index].status, refused[index].stdout], [125, ''])
    }
    const reached = Object.entries(got).flatMap(([id, what]) => (what === null ? [] : [`${id}: ${what}`]))
    const isLeft = (row: AttackRow) => row.open?.at.includes('L') && !stoppedAround.has(row.id)
    const left = attackRows.filter(isLeft).map(({ id }) => id)
    assert.deepEqual(reached.map((text) => text.split(':')[0]).sort(), left.sort(), reached.join('\n'))
    assert.deepEqual(Object.keys(got).sort(), attackRows.map(({ id }) => id).sort())
  })

  const other = ['--user', '1234:1234']
  for (const [who, { options, isMasked }] of Object.entries({
    root: { options: [], isMasked: false },
    user: { options: other, isMasked: false },
    'user with a masked /proc': { options: other, isMasked: true },
  }))
    test(`${name} with the profile that we ship, as ${who}: user namespaces, a sandbox and a container`, {
      skip,
    }, async () => {
      const { world, call, unmasked, levels } = used(open)
      const profile = world.file('usnea-seccomp.json', readFileSync(shipped))
      const security = [`seccomp=${profile}`, ...(isMasked ? [] : [unmasked])].flatMap((text) => [
        '--security-opt',
        text,
      ])
      const usnea = await runtimePath()
      const inside = [imageName, 'sh', '-ec', insideScript, usnea]
      const argv = ['run', '--rm', '--network', 'none', ...security, ...options, ...(await shown()), ...inside]
      const { stdout, stderr, status } = await call(argv)
      assert.match(stdout, /\}\nran\ncontained\n$/, stderr)
      assert.equal(status, 0, stderr)
      const { level, sandbox } = JSON.parse(stdout.slice(0, stdout.lastIndexOf('}') + 1))
      const wanted = isMasked ? ['U0', 'U0'] : [who === 'root' ? levels.root : levels.user, 'U1']
      assert.deepEqual([level, sandbox], wanted, stdout)
    })
}

function used(open: () => Engine | undefined): Engine {
  const engine = open()
  if (engine === undefined) throw new Error('there is no engine')
  return engine
}
