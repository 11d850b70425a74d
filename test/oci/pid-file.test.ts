// Needs a static busybox; the pid file is what strict readers want: digits only, there at once, never half written.
import assert from 'node:assert/strict'
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeDirectory } from '../fixtures/as.ts'
import { testAs } from '../fixtures/cases.ts'
import { refused, succeeded, type World } from '../fixtures/world.ts'

let directories = 0

function freshDirectory(world: World): string {
  const path = join(world.identity.home, `pids-${++directories}`)
  makeDirectory(path, 0o755, world.identity.user)
  return path
}

const sleeping = (world: World) =>
  world.bundle((config) => {
    config.process.args = ['sleep', '1000']
  })

testAs({}, 'the pid file holds the pid of state and no newline', async (world) => {
  const [bundle, folder, id] = [await sleeping(world), freshDirectory(world), world.newId()]
  const file = join(folder, 'pid')
  succeeded(await world.usnea(['create', '--pid-file', file, '--bundle', bundle.path, id]))
  const { pid } = JSON.parse(succeeded(await world.usnea(['state', id])))
  assert.equal(readFileSync(file, 'utf8'), String(pid))
  assert.deepEqual(readdirSync(folder), ['pid'])
  succeeded(await world.usnea(['delete', '--force', id]))
})

testAs({}, 'the pid file replaces an older one, and left-over temporary names do not block it', async (world) => {
  const [bundle, folder, id] = [await sleeping(world), freshDirectory(world), world.newId()]
  const file = join(folder, 'pid')
  for (const name of ['pid', '.pid', '.pid.tmp', 'pid.tmp'])
    world.file(`${folder.slice(world.identity.home.length)}/${name}`, 'old')
  const { ino } = lstatSync(file)
  succeeded(await world.usnea(['run', '--detach', '--pid-file', file, '--bundle', bundle.path, id]))
  assert.match(readFileSync(file, 'utf8'), /^\d+$/)
  assert.notEqual(lstatSync(file).ino, ino, 'a reader of the old file could see it half written')
  succeeded(await world.usnea(['delete', '--force', id]))
})

testAs({}, 'a relative pid file is taken from the directory of the call, not of the bundle', async (world) => {
  const [bundle, folder, id] = [await sleeping(world), freshDirectory(world), world.newId()]
  succeeded(await world.usnea(['create', '--pid-file', 'pid', '--bundle', bundle.path, id], { cwd: folder }))
  assert.ok(existsSync(join(folder, 'pid')))
  assert.ok(!existsSync(join(bundle.path, 'pid')))
  succeeded(await world.usnea(['delete', '--force', id]))
})

testAs({}, 'a link in place of the pid file is replaced, not followed', async (world) => {
  const [bundle, folder, id] = [await sleeping(world), freshDirectory(world), world.newId()]
  const victim = world.file('victim', 'untouched')
  symlinkSync(victim, join(folder, 'pid'))
  succeeded(await world.usnea(['create', '--pid-file', join(folder, 'pid'), '--bundle', bundle.path, id]))
  assert.equal(readFileSync(victim, 'utf8'), 'untouched')
  assert.match(readFileSync(join(folder, 'pid'), 'utf8'), /^\d+$/)
  succeeded(await world.usnea(['delete', '--force', id]))
})

testAs({}, 'a pid file that cannot be written undoes the create', async (world) => {
  const [bundle, folder] = [await sleeping(world), freshDirectory(world)]
  mkdirSync(join(folder, 'pid'))
  writeFileSync(join(folder, 'pid', 'full'), '')
  refused(
    await world.usnea(['create', '--pid-file', join(folder, 'pid'), '--bundle', bundle.path, world.newId()]),
    /pid file/,
  )
  assert.deepEqual(readdirSync(folder), ['pid'])
})

testAs({}, 'an older pid file that could not be replaced is not removed', async (world) => {
  const [bundle, folder] = [await sleeping(world), freshDirectory(world)]
  const name = 'p'.repeat(250) // the temporary name beside it is too long
  world.file(`${folder.slice(world.identity.home.length)}/${name}`, 'old')
  refused(
    await world.usnea(['create', '--pid-file', join(folder, name), '--bundle', bundle.path, world.newId()]),
    /pid file.*ENAMETOOLONG|pid file.*too long/,
  )
  assert.equal(readFileSync(join(folder, name), 'utf8'), 'old')
})

testAs({}, 'exec --detach writes the pid of its own process', async (world) => {
  const [bundle, folder, id] = [await sleeping(world), freshDirectory(world), world.newId()]
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
  succeeded(await world.usnea(['exec', '--detach', '--pid-file', join(folder, 'pid'), id, 'sleep', '1234']))
  const pid = readFileSync(join(folder, 'pid'), 'utf8')
  assert.match(readFileSync(`/proc/${pid}/cmdline`, 'utf8'), /1234/)
  succeeded(await world.usnea(['delete', '--force', id]))
})
