// Needs a static busybox: open files of whoever calls usnea are not seen inside.
import assert from 'node:assert/strict'
import { closeSync, openSync, readdirSync, readlinkSync } from 'node:fs'
import { testAs } from '../fixtures/cases.ts'
import { placeVictim } from '../fixtures/victim.ts'
import { succeeded, type World } from '../fixtures/world.ts'

const everywhere = ['root', 'ranges', 'nested', 'contained'] as const
/** Descriptors without close-on-exec at numbers that a runtime would not look at by itself. */
const leaky = ['sh', '-c', 'exec 5<"$0" 6<"$0/secret" 19<"$0" 150<"$0/secret" 200>>"$0/../appended"; exec "$@"']
const listing = ['ls', '-l', '/proc/self/fd']

async function leakyCall(world: World, args: readonly string[]): Promise<string> {
  const victim = placeVictim(world)
  const descriptors = [openSync(victim.secret, 'r'), openSync(victim.path, 'r')]
  const bash = ['bash', ...leaky.slice(1), victim.path]
  const output = succeeded(await world.usnea(args, { through: bash, descriptors }))
  descriptors.forEach(closeSync)
  return output
}

function assertOnlyStdio(output: string): void {
  // The directory that is listed is open, too.
  const links = output.split('\n').flatMap((line) => / (\d+) -> (?!\/proc\/\d+\/fd)/.exec(line)?.[1] ?? [])
  assert.deepEqual(links.sort(), ['0', '1', '2'], output)
}

testAs({ as: everywhere }, 'a program gets no descriptor of the caller but stdio', async (world) => {
  const bundle = await world.bundle((config) => {
    config.process.args = listing
  })
  assertOnlyStdio(await leakyCall(world, ['run', '--bundle', bundle.path, world.newId()]))
})

testAs({ as: everywhere }, 'a process that joins gets no descriptor of the caller but stdio', async (world) => {
  const bundle = await world.bundle((config) => {
    config.process.args = ['sleep', '1000']
  })
  const id = world.newId()
  await leakyCall(world, ['run', '--detach', '--bundle', bundle.path, id])
  assertOnlyStdio(await leakyCall(world, ['exec', id, ...listing]))
  // As contained /proc is the outer one, where 1 is somebody else.
  if (world.identity.name !== 'contained')
    assertOnlyStdio(succeeded(await world.usnea(['exec', id, 'ls', '-l', '/proc/1/fd'])))
  succeeded(await world.usnea(['delete', '--force', id]))
})

testAs({}, 'a hook inside of the container gets no descriptor of the caller but stdio', async (world) => {
  const bundle = await world.bundle((config) => {
    config.hooks = { startContainer: [{ path: '/bin/sh', args: ['sh', '-c', 'ls -l /proc/self/fd > /tmp/seen'] }] }
    config.process.args = ['cat', '/tmp/seen']
  })
  const output = await leakyCall(world, ['run', '--bundle', bundle.path, world.newId()])
  assert.doesNotMatch(output, /victim|appended|usnea-test/, output)
})

testAs(
  { as: ['root'] },
  'the first process of a created container holds stdio and the fifos of its gate',
  async (world) => {
    const bundle = await world.bundle((config) => {
      config.process.args = ['sleep', '1000']
    })
    const id = world.newId()
    await leakyCall(world, ['create', '--bundle', bundle.path, id])
    const { pid } = JSON.parse(succeeded(await world.usnea(['state', id])))
    const fds = `/proc/${pid}/fd`
    const others = readdirSync(fds).filter((fd) => Number(fd) > 2)
    assert.ok(others.length > 0)
    for (const fd of others) assert.match(readlinkSync(`${fds}/${fd}`), /\/exec\.fifo$/)
    succeeded(await world.usnea(['delete', '--force', id]))
  },
)
