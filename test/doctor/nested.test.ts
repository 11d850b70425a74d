/** Sandboxes in sandboxes: the doctor says which level is left, and a sandbox of that level runs. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type IdentityName, whyNot } from '../fixtures/as.ts'
import { runtimePath } from '../fixtures/install.ts'
import { type Need, needs } from '../fixtures/needs.ts'
import { runDirectory } from '../fixtures/run-directory.ts'
import { worldOf } from '../fixtures/shared-worlds.ts'
import { succeeded } from '../fixtures/world.ts'

interface Nesting {
  readonly title: string
  readonly as?: IdentityName
  readonly needs?: readonly Need[]
  /** The outer sandbox. */
  readonly through: (usnea: string) => readonly string[]
  readonly level: string
  /** Of a sandbox, where it differs. */
  readonly sandbox?: string
  /** Code of the finding that explains it. */
  readonly code?: string
}

const bwrap = ['/usr/bin/bwrap', '--dev-bind', '/', '/']

/** It shows the package, which lies in /tmp here, and the directory with node. */
const box = (usnea: string): readonly string[] => [usnea, '--ro', runDirectory()]

const nestings: readonly Nesting[] = [
  {
    title: 'in bubblewrap',
    needs: ['bwrap'],
    through: () => [...bwrap, '--unshare-all', '--proc', '/proc'],
    level: 'U1',
  },
  {
    title: 'in bubblewrap that lets nobody make user namespaces',
    needs: ['bwrap'],
    through: () => [...bwrap, '--unshare-all', '--unshare-user', '--disable-userns', '--proc', '/proc'],
    level: 'L',
    code: 'userns-limit',
  },
  {
    title: 'in a sandbox of usnea, which lets nobody make user namespaces',
    through: (usnea) => [...box(usnea), '--'],
    level: 'L',
    code: 'userns-seccomp',
  },
  { title: 'in a sandbox of usnea with --nested', through: (usnea) => [...box(usnea), '--nested', '--'], level: 'U1' },
  {
    title: 'three deep',
    through: (usnea) => [...box(usnea), '--nested', '--', ...box(usnea), '--nested', '--'],
    level: 'U1',
  },
  { title: 'as root of a user namespace', as: 'nested', through: () => [], level: 'N' },
  {
    title: 'in a container with a masked /proc',
    as: 'contained',
    through: () => [],
    level: 'U0',
    code: 'proc-masked',
  },
]

for (const { title, as = 'plain', needs: parts = [], through, level, sandbox = level, code } of nestings) {
  test(`${title}: level ${level}`, { skip: whyNot(as) ?? needs(...parts) ?? false }, async () => {
    const world = await worldOf(as)
    const usnea = await runtimePath()
    const outer = through(usnea)
    const { stdout, stderr } = await world.run([...outer, usnea, 'doctor', '--json', '--min-level', level], {
      cwd: '/',
    })
    assert.ok(stdout.startsWith('{'), stderr)
    const found = JSON.parse(stdout)
    assert.deepEqual([found.level, found.sandbox], [level, sandbox], stdout)
    if (code !== undefined)
      assert.ok(
        found.findings.some((finding: { code?: string }) => finding.code === code),
        stdout,
      )
    const explain = [usnea, '--min-level', 'L', '--explain', '--', 'x']
    assert.match(succeeded(await world.run([...outer, ...explain], { cwd: '/' })), new RegExp(`level ${sandbox}:`))
    const inner = [...box(usnea), '--min-level', sandbox, '--', '/bin/echo', 'ran']
    assert.equal(succeeded(await world.run([...outer, ...inner], { cwd: '/' })), 'ran\n')
  })
}

test('in bubblewrap with the /proc of somebody else, that is named', {
  skip: whyNot('plain') ?? needs('bwrap') ?? false,
}, async () => {
  const world = await worldOf('plain')
  const { stdout } = await world.run([...bwrap, '--unshare-all', await runtimePath(), 'doctor', '--json'], { cwd: '/' })
  const { findings } = JSON.parse(stdout)
  assert.equal(findings.find(({ id }: { id: string }) => id === 'userns')?.code, 'proc-foreign', stdout)
})

test('at level L once more: Landlock holds Landlock', { skip: whyNot('plain') ?? false }, async () => {
  const world = await worldOf('plain')
  const usnea = await runtimePath()
  const once = [...box(usnea), '--min-level', 'L', '--']
  const thrice = [...box(usnea), '--', ...once, ...once, '/bin/echo', 'ran']
  assert.equal(succeeded(await world.run(thrice, { cwd: '/' })), 'ran\n')
})
