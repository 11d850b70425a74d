// Needs a static busybox; what lies beside a container: the caller's environment, other containers' sockets, the state directory.
import assert from 'node:assert/strict'
import { chownSync, existsSync, linkSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { testAttack } from '../fixtures/attack.ts'
import { testAs } from '../fixtures/cases.ts'
import { placeVictim } from '../fixtures/victim.ts'
import { refused, succeeded, type World } from '../fixtures/world.ts'

const secrets = { SECRET_OF_CALLER: 'hunter2', LD_PRELOAD_OF_CALLER: 'x' }

testAttack({
  class: 'environment of the caller',
  title: 'programs and hooks inside of the container read variables of whoever called',
  attempt: async (target) => {
    const bundle = await target.bundle((config) => {
      config.process.args = ['sh', '-c', 'cat /tmp/seen; env; cat /proc/1/environ; cat /proc/self/environ']
      config.hooks = { startContainer: [{ path: '/bin/sh', args: ['sh', '-c', 'env > /tmp/seen'] }] }
    })
    const { stdout } = await target.run(bundle, { env: secrets })
    assert.match(stdout, /WORLD=/)
    return /hunter2|_OF_CALLER/.test(stdout) ? stdout : undefined
  },
})

/** A directory with one sleeping container, in which somebody else could write. */
async function withContainer(world: World): Promise<{ id: string; directory: string; end: () => Promise<void> }> {
  const id = world.newId()
  const bundle = await world.bundle((config) => {
    config.process.args = ['sleep', '1000']
  })
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
  const end = async () => void succeeded(await world.usnea(['delete', '--force', id]))
  return { id, directory: join(world.state, id), end }
}

const verbs = (id: string) => [
  ['state', id],
  ['kill', id, 'KILL'],
  ['exec', id, 'true'],
  ['delete', id],
  ['delete', '--force', id],
]

testAs(
  {},
  'a link in the state directory is no container: what it leads to is neither believed nor removed',
  async (world) => {
    const { id, directory, end } = await withContainer(world)
    const elsewhere = join(world.identity.home, `elsewhere-${id}`)
    const planted = world.newId()
    renameSync(directory, elsewhere)
    symlinkSync(elsewhere, join(world.state, planted))
    for (const args of verbs(planted))
      if (!args.includes('--force')) refused(await world.usnea(args), /./, args[0] === 'exec' ? 255 : 1)
    await world.usnea(['delete', '--force', planted])
    assert.ok(existsSync(join(elsewhere, 'state.json')))
    rmSync(join(world.state, planted), { force: true })
    renameSync(elsewhere, directory)
    assert.equal(JSON.parse(succeeded(await world.usnea(['state', id]))).status, 'running')
    await end()
  },
)

testAs(
  { as: ['root'] },
  'root does not believe what stands in a container directory of another user',
  async (world) => {
    const { id, directory, end } = await withContainer(world)
    chownSync(directory, 12345, 12345)
    for (const args of verbs(id))
      refused(await world.usnea(args), /no container of ours.*user 12345/, args[0] === 'exec' ? 255 : 1)
    chownSync(directory, 0, 0)
    assert.equal(JSON.parse(succeeded(await world.usnea(['state', id]))).status, 'running')
    await end()
  },
)

testAs({}, 'a state file with another name elsewhere is read, but never written through', async (world) => {
  const { id, directory, end } = await withContainer(world)
  const file = join(directory, 'state.json')
  const other = world.file(`other-${id}`, '')
  rmSync(other)
  linkSync(file, other)
  const before = readFileSync(other, 'utf8')
  await world.usnea(['update', '--pids-limit', '50', id])
  assert.equal(readFileSync(other, 'utf8'), before)
  await end()
  assert.equal(readFileSync(other, 'utf8'), before)
})

testAs({}, 'a link as pid file is replaced, not followed', async (world) => {
  const victim = placeVictim(world)
  const link = join(world.identity.home, 'pid-link')
  symlinkSync(victim.secret, link)
  const id = world.newId()
  const bundle = await world.bundle()
  succeeded(await world.usnea(['create', '--pid-file', link, '--bundle', bundle.path, id]))
  victim.assertUntouched()
  assert.match(readFileSync(link, 'utf8'), /^\d+$/)
  rmSync(link)
  succeeded(await world.usnea(['delete', '--force', id]))
})
