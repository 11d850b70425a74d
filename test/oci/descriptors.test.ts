// Needs a static busybox; descriptors that were handed over arrive in order, and no others do.
import assert from 'node:assert/strict'
import { closeSync, openSync } from 'node:fs'
import { testAs } from '../fixtures/cases.ts'
import { refused, succeeded, type World } from '../fixtures/world.ts'

function open(world: World, count: number): number[] {
  return Array.from({ length: count }, (_, n) => openSync(world.file(`given-${n}`, `text ${n}\n`), 'r'))
}

/** ls keeps one descriptor for the directory that it reads. */
const listing = 'ls /proc/self/fd | wc -l'

const speaking = (world: World, script: string) =>
  world.bundle((config) => {
    config.process.args = ['sh', '-c', script]
  })

testAs({}, '--preserve-fds hands on that many descriptors after stdio', async (world) => {
  const bundle = await speaking(world, `cat <&3; cat <&4; ${listing}`)
  const given = open(world, 2)
  const call = ['run', '--preserve-fds', '2', '--bundle', bundle.path, world.newId()]
  assert.equal(succeeded(await world.usnea(call, { descriptors: given })), 'text 0\ntext 1\n6\n')
  given.forEach(closeSync)
})

testAs({}, 'a descriptor that was not handed over does not arrive', async (world) => {
  const bundle = await speaking(world, listing)
  const given = open(world, 4)
  const call = (count: string) => ['run', '--preserve-fds', count, '--bundle', bundle.path, world.newId()]
  assert.equal(succeeded(await world.usnea(call('0'), { descriptors: given })), '4\n')
  assert.equal(succeeded(await world.usnea(call('1'), { descriptors: given })), '5\n')
  given.forEach(closeSync)
})

testAs({}, 'a descriptor that is missing is told with its index, and nothing is left', async (world) => {
  const bundle = await speaking(world, 'true')
  const given = open(world, 1)
  const call = ['create', '--preserve-fds', '3', '--bundle', bundle.path, world.newId()]
  refused(await world.usnea(call, { descriptors: given }), /preserved-fd 1 \(of 3\)/)
  given.forEach(closeSync)
})

testAs({}, 'sockets of the service manager come first, then the preserved ones', async (world) => {
  const bundle = await speaking(
    world,
    `cat <&3; cat <&4; cat <&5; echo $LISTEN_FDS $LISTEN_PID $LISTEN_FDNAMES; ${listing}`,
  )
  const given = open(world, 3)
  const activated = ['sh', '-c', 'LISTEN_FDS=2 LISTEN_FDNAMES=web:admin LISTEN_PID=$$ exec "$@"', 'sh']
  const call = ['run', '--preserve-fds', '1', '--bundle', bundle.path, world.newId()]
  const output = succeeded(await world.usnea(call, { descriptors: given, through: activated }))
  assert.equal(output, 'text 0\ntext 1\ntext 2\n2 1 web:admin\n7\n')
  given.forEach(closeSync)
})

testAs({}, 'sockets that were meant for another process are not taken', async (world) => {
  const bundle = await speaking(world, `echo "$LISTEN_FDS"; ${listing}`)
  const given = open(world, 2)
  const call = ['run', '--bundle', bundle.path, world.newId()]
  const output = succeeded(await world.usnea(call, { descriptors: given, env: { LISTEN_FDS: '2', LISTEN_PID: '1' } }))
  assert.equal(output, '\n4\n')
  given.forEach(closeSync)
})

testAs({}, 'exec hands on preserved descriptors, and only those', async (world) => {
  const bundle = await speaking(world, 'sleep 1000')
  const id = world.newId()
  const given = open(world, 3)
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
  const call = ['exec', '--preserve-fds', '1', id, 'sh', '-c', `cat <&3; ${listing}`]
  assert.equal(succeeded(await world.usnea(call, { descriptors: given })), 'text 0\n5\n')
  succeeded(await world.usnea(['delete', '--force', id]))
  given.forEach(closeSync)
})
