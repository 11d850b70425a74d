// Needs a static busybox and gcc: a container that waits for somebody to join it gets nothing of who does.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ours, type Target, testAttack } from '../fixtures/attack.ts'
import { testAs } from '../fixtures/cases.ts'
import { rounds } from '../fixtures/rounds.ts'
import { sharedByRun } from '../fixtures/run-directory.ts'
import { until } from '../fixtures/until.ts'
import { succeeded } from '../fixtures/world.ts'

const watcher = (): Promise<string> =>
  sharedByRun('watcher', (path) => {
    const source = fileURLToPath(new URL('../fixtures/watcher.c', import.meta.url))
    execFileSync('gcc', ['-static', '-O1', '-Wall', '-Werror', '-o', path, source])
  })

let ids = 0

interface Wish {
  readonly capability?: string
  /** Programs that are no news to the watcher. */
  readonly own?: readonly string[]
}

/** Joins a container in which the watcher runs, and returns what it saw. */
async function watchedJoins({ call, bundle: makeBundle }: Target, wish: Wish = {}): Promise<string> {
  const { capability, own = ['/bin/busybox', '/bin/watcher'] } = wish
  const bundle = await makeBundle((config) => {
    config.process.args = ['sh', '-c', `exec watcher /tmp/stop ${own.join(' ')} > /tmp/seen`]
    if (capability === undefined) return
    for (const set of ['bounding', 'effective', 'permitted'] as const)
      config.process.capabilities?.[set].push(capability)
  })
  copyFileSync(await watcher(), join(bundle.rootfs, 'bin/watcher'))
  const id = `watched-${++ids}`
  const file = join(bundle.rootfs, 'tmp/seen')
  const seen = () => (existsSync(file) ? readFileSync(file, 'utf8') : '')
  succeeded(await call(['run', '--detach', '--bundle', bundle.path, id]))
  await until('the watcher watches', () => seen().startsWith('watching'))
  for (let round = 0; round < rounds(6); round++)
    assert.equal((await call(['exec', id, 'sh', '-c', 'sleep 0.1; exit 7'])).status, 7)
  writeFileSync(join(bundle.rootfs, 'tmp/stop'), '')
  await until('the watcher ended', () => /^watched$/m.test(seen()))
  succeeded(await call(['delete', '--force', id]))
  return seen().replace(/^watching\n|watched\n$/g, '')
}

testAs({ needs: ['gcc'] }, 'the watcher that the attacks are made with sees who joins', async (world) => {
  const seen = await watchedJoins(ours(world), { own: ['/bin/watcher'] })
  assert.match(seen, /^\/bin\/busybox has .* open, and so have we$/m)
  assert.match(seen, /^\/bin\/busybox lets us open its root$/m)
})

const nothing = (text: string) => (text === '' ? undefined : text)

testAttack({
  class: 'CVE-2016-9962',
  title: 'a process of the container looks into who joins it',
  needs: ['gcc'],
  attempt: async (target) => nothing(await watchedJoins(target)),
})

testAttack({
  class: 'CVE-2016-9962',
  title: 'the same with CAP_SYS_PTRACE, in a user namespace',
  as: ['ranges'],
  needs: ['gcc'],
  attempt: async (target) => nothing(await watchedJoins(target, { capability: 'CAP_SYS_PTRACE' })),
})

testAttack({
  class: 'CVE-2022-29162',
  title: 'programs are born with inheritable capabilities',
  attempt: async ({ call, bundle: makeBundle }) => {
    const bundle = await makeBundle((config) => {
      config.process.args = ['sh', '-c', 'grep CapInh /proc/self/status > /tmp/seen; exec sleep 1000']
    })
    const id = `inheriting-${++ids}`
    succeeded(await call(['run', '--detach', '--bundle', bundle.path, id]))
    const ask = ['grep', 'CapInh', '/proc/self/status']
    const joined = await call(['exec', id, ...ask])
    const added = await call(['exec', '--cap', 'CAP_NET_RAW', id, ...ask])
    const read = () => call(['exec', id, 'cat', '/tmp/seen'])
    await until('the first program has written', async () => (await read()).stdout.endsWith('\n'))
    const first = await read()
    succeeded(await call(['delete', '--force', id]))
    const all = [joined, added, first].map(succeeded).join('')
    return /^(CapInh:\t0{16}\n){3}$/.test(all) ? undefined : all
  },
})
