/** Private places that are mounted elsewhere as well: what is hidden by its path is hidden by every other. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { privatePlaces } from '../../src/sandbox/private-places.ts'
import { type IdentityName, whyNot } from '../fixtures/as.ts'
import { runtimePath } from '../fixtures/install.ts'
import { needs } from '../fixtures/needs.ts'
import { refusing } from '../fixtures/refusing.ts'
import { runDirectory } from '../fixtures/run-directory.ts'
import { worldOf } from '../fixtures/shared-worlds.ts'
import { aHost } from '../unit/host/literal.ts'

const skip = needs('root', 'unshare', 'setpriv', 'python3') ?? false
const stage = readFileSync(new URL('../fixtures/mounted-twice.sh', import.meta.url), 'utf8')

/** Of a place that is not private: what it shows is to be found, or the others prove nothing. */
const FIND =
  'grep -rl --exclude-dir=tmp --exclude-dir=run SECRET /srv /mnt 2>/dev/null; cat /mnt/covered/anna/file /proc/cmdline > /dev/null && cat /mnt/covered/anna/file'

interface Wish {
  readonly layout?: 'plain' | 'top'
  readonly who?: 'root' | 'user' | 'root of a namespace'
  readonly options?: readonly string[]
  readonly through?: readonly string[]
  readonly script?: string
  readonly bare?: true
  /** One file was removed after it was mounted. */
  readonly gone?: true
}

async function found(wish: Wish) {
  const { layout = 'plain', who = 'root', options = [], through = [], script = FIND, bare } = wish
  const { user } = (await worldOf('ranges')).identity
  const become = ['/usr/bin/setpriv', '--reuid', String(user.uid), '--regid', String(user.gid), '--clear-groups', '--']
  const path = join(runDirectory(), 'mounted-twice.sh')
  writeFileSync(path, stage)
  chmodSync(path, 0o755)
  const command = bare ? [] : [await runtimePath(), 'sandbox', '--no-config', ...options, '--']
  const inside = [...(who === 'user' ? become : []), ...through, ...command, '/bin/sh', '-c', script]
  const outside = who === 'root of a namespace' ? [...become, 'unshare', '-Urm'] : ['unshare', '-m']
  const argv = [...outside, '/bin/sh', path, layout, ...inside]
  const env = {
    GONE: wish.gone ? 'yes' : '',
    PATH: process.env.PATH,
    ...(who === 'user' ? { OWNER: `${user.uid}:${user.gid}` } : {}),
  }
  const { stdout, stderr } = spawnSync('/usr/bin/env', argv, { encoding: 'utf8', cwd: '/', env })
  return { lines: stdout.split('\n').filter(Boolean).sort(), stderr }
}

const can = (name: IdentityName) => skip || (whyNot(name) ?? false)
const everywhere = [
  ...['above/anna/.ssh/id', 'disk/key', 'file', 'overlay/anna/.ssh/id', 'part/id', 'same/.ssh/id'],
  ...['linked/anna/.ssh/id', 'dotted/anna/.ssh/id'],
]

test('outside of a sandbox all these paths lead to the same files', { skip }, async () => {
  for (const layout of ['plain', 'top'] as const) {
    const { lines, stderr } = await found({ layout, bare: true })
    for (const path of everywhere) assert.ok(lines.includes(`/mnt/${path}`), `${path}\n${stderr}`)
    if (layout === 'top') assert.ok(lines.includes('/mnt/top/@home/anna/.ssh/id'))
  }
})

const attacks: readonly [string, Wish][] = [
  ['as root', {}],
  ['as a user', { who: 'user' }],
  ['as root of a namespace', { who: 'root of a namespace' }],
  ['at level L', { who: 'user', options: ['--min-level', 'L'], through: refusing([]) }],
  ['with a new directory in the root', { options: ['--ro', '/etc/hostname:/new/place'] }],
]
for (const [title, wish] of attacks)
  for (const layout of ['plain', 'top'] as const)
    test(`${title} none of them is open in a sandbox (${layout})`, { skip: can('ranges') }, async () => {
      const { lines, stderr } = await found({ ...wish, layout })
      // What only has the name of one is open.
      assert.deepEqual(lines, ['OTHER'], stderr)
    })

test('sockets and files of /run and /tmp are hidden there too', { skip: can('ranges') }, async () => {
  const script = 'ls -A /mnt/run /mnt/tmp'
  assert.notDeepEqual((await found({ bare: true, script })).lines, ['/mnt/run:', '/mnt/tmp:'])
  assert.deepEqual((await found({ script })).lines, ['/mnt/run:', '/mnt/tmp:'])
})

test('who names such a path opens it, and no other', { skip: can('ranges') }, async () => {
  const opened = async (...options: string[]) =>
    (await found({ who: 'user', options })).lines.filter((line) => line.startsWith('/'))
  assert.deepEqual(await opened('--ro', '/mnt/part'), ['/mnt/part/id'])
  assert.deepEqual(await opened('--rw', '/mnt/same/project'), ['/mnt/same/project/file'])
  assert.deepEqual(await opened('--ro', '/mnt/file'), ['/mnt/file'])
})

test('what --hide and --deny cover is covered by its other paths too', { skip: can('ranges') }, async () => {
  const rules = {
    options: ['--ro', '/srv/home', '--ro', '/mnt', '--hide', '/srv/home/anna/.ssh', '--deny', '/srv/home/anna/project'],
  }
  const { lines, stderr } = await found(rules)
  assert.deepEqual(
    lines.filter((line) => /ssh|part|file|project/.test(line)),
    [],
    stderr,
  )
  assert.ok(lines.includes('/mnt/disk/key'))
})

test('a file that was removed since cannot be covered, so nothing runs; level L closes it, and who names what lies around it opens it', {
  skip: can('ranges'),
}, async () => {
  const gone = { who: 'user', gone: true } as const
  assert.ok((await found({ ...gone, bare: true })).lines.includes('/mnt/gone'))
  const { lines, stderr } = await found(gone)
  assert.deepEqual(lines, [])
  assert.match(stderr, /\/mnt\/gone shows a file of \/srv\/home\/anna, and cannot be covered.*umount \/mnt\/gone/s)
  const named = await found({ ...gone, options: ['--ro', '/mnt'] })
  assert.ok(named.lines.includes('/mnt/gone'), named.stderr)
  const closed = await found({ ...gone, options: ['--min-level', 'L'], through: refusing([]) })
  assert.deepEqual(closed.lines, ['OTHER'], closed.stderr)
})

test('an explanation names each', { skip: can('ranges') }, async () => {
  const { lines } = await found({ options: ['--explain'] })
  for (const place of ['/mnt/above/anna', '/mnt/part', '/mnt/file', '/mnt/overlay/anna'])
    assert.ok(
      lines.some((line) => line.startsWith('private ') && line.includes(`so is ${place}, where files of`)),
      place,
    )
})

test('where mountinfo cannot be read nothing is decided', () => {
  const host = aHost({ mounts: [], home: '/nonexistent' })
  assert.throws(() => privatePlaces(host), {
    code: 'policy-unenforceable',
    message: /mountinfo of our own process cannot be read/,
  })
})
