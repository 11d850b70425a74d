// Needs root, unshare and a static busybox: a state directory on a disk that is full, read-only or noexec.
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import { refused, succeeded, type World } from '../fixtures/world.ts'

const wanted = { as: ['root'], needs: ['unshare'] } as const

/** A mount namespace of its own, in which the state directory is a small tmpfs; `$state` is its path. */
const onTmpfs = (world: World, options: string, script: string) => {
  const state = join(world.identity.home, 'disk')
  mkdirSync(state, { recursive: true })
  const whole = `state=$1; shift; mount -t tmpfs -o ${options} tmpfs "$state" && ${script}`
  return {
    through: ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', whole, 'sh', state],
    root: ['--root', state],
    noRoot: true,
  }
}

async function refusedOn(world: World, options: string, before: string): Promise<string> {
  const bundle = await world.bundle((config) => {
    config.process.args = ['true']
  })
  const script = `${before}; "$@"; code=$?; rm -f "$state/filler"; ls -A "$state"; exit $code`
  const disk = onTmpfs(world, options, script)
  const outcome = await world.usnea([...disk.root, 'run', '--bundle', bundle.path, 'one'], disk)
  assert.equal(outcome.stdout, '', 'left behind')
  return refused(outcome, /state directory/)
}

testAs(wanted, 'on a full disk there is one clear error, and nothing stays', async (world) => {
  const fill = 'dd if=/dev/zero of="$state/filler" bs=4k 2>&-'
  assert.match(await refusedOn(world, 'size=1m', fill), /no space left on device/)
})

testAs(wanted, 'a disk that is full before the last state was written does not keep the container', async (world) => {
  for (const left of ['4k', '8k', '16k', '24k'])
    await refusedOrRan(
      world,
      `head -c ${left} /dev/zero > "$state/room"; dd if=/dev/zero of="$state/filler" bs=4k 2>&-; rm "$state/room"`,
    )
})

/** How much a state needs is not the test's business: it fits, or nothing is left. */
async function refusedOrRan(world: World, before: string): Promise<void> {
  const bundle = await world.bundle((config) => {
    config.process.args = ['true']
  })
  const script = `${before}; "$@"; code=$?; rm -f "$state/filler"; ls -A "$state"; exit $code`
  const disk = onTmpfs(world, 'size=1m', script)
  const outcome = await world.usnea([...disk.root, 'run', '--bundle', bundle.path, 'one'], disk)
  assert.equal(outcome.stdout, '', 'left behind')
  if (outcome.status === 0) return
  refused(outcome, /no space left on device/)
}

testAs(wanted, 'without inodes there is one clear error', async (world) => {
  await refusedOn(world, 'nr_inodes=1', ':')
})

testAs(wanted, 'on a read-only file system there is one clear error, and reading goes on', async (world) => {
  assert.match(await refusedOn(world, 'size=1m,ro', ':'), /read-only file system/)
  const list = onTmpfs(world, 'size=1m,ro', 'exec "$@"')
  assert.equal(succeeded(await world.usnea([...list.root, 'list', '-q'], list)), '')
  refused(await world.usnea([...list.root, 'delete', 'one'], list), /container does not exist/)
  succeeded(await world.usnea([...list.root, 'delete', '--force', 'one'], list))
})

testAs(
  wanted,
  'a container on a file system that became read-only can be looked at, and its removal is refused',
  async (world) => {
    const bundle = await world.bundle((config) => {
      config.process.args = ['sleep', '1000']
    })
    const script = [
      '"$@" run -d --bundle "$bundle" one </dev/null >/dev/null 2>&1',
      'mount -o remount,ro "$state"',
      '"$@" list -q',
      '"$@" exec one hostname',
      '"$@" delete --force one 2>&1 | grep -o "read-only file system"',
      'mount -o remount,rw "$state"',
      '"$@" delete --force one',
      'ls -A "$state"',
    ].join('; ')
    const disk = onTmpfs(world, 'size=1m', script)
    const outcome = await world.usnea(disk.root, { ...disk, env: { bundle: bundle.path } })
    assert.equal(succeeded(outcome), 'one\nboxed\nread-only file system\n')
  },
)

testAs(wanted, 'noexec on the state directory changes nothing', async (world) => {
  const bundle = await world.bundle((config) => {
    config.process.args = ['sh', '-c', 'echo $$; sleep 1000']
  })
  const script = [
    '"$@" create --bundle "$bundle" one </dev/null >/dev/null 2>&1',
    '"$@" start one',
    '"$@" exec one hostname',
    '"$@" delete --force one',
    'ls -A "$state"',
  ].join('; ')
  const disk = onTmpfs(world, 'size=1m,noexec,nosuid,nodev', script)
  assert.equal(succeeded(await world.usnea(disk.root, { ...disk, env: { bundle: bundle.path } })), 'boxed\n')
})
