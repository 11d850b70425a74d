// Needs a static busybox: the default devices, and those of the configuration.
import assert from 'node:assert/strict'
import { testAs } from '../fixtures/cases.ts'
import { inside } from '../fixtures/inside.ts'
import { refused } from '../fixtures/world.ts'

const everywhere = ['root', 'ranges', 'plain', 'nested', 'contained'] as const
const numbers = { null: '1:3', zero: '1:5', full: '1:7', random: '1:8', urandom: '1:9', tty: '5:0' }

testAs({ as: everywhere }, 'the default devices are there, with their numbers, and work', async (world) => {
  const names = Object.keys(numbers)
  const output = await inside(
    world,
    `cd /dev; stat -L -c %n=%t:%T ${names.join(' ')}; echo x > null; head -c 2 zero | od -An -tx1; test -c random && head -c 4 urandom | wc -c`,
  )
  const expected = Object.entries(numbers).map(([name, pair]) => `${name}=${pair}`)
  assert.deepEqual(
    output.split('\n').map((line) => line.trim()),
    [...expected, '00 00', '4'],
  )
})

testAs({ as: everywhere }, 'the usual links are there', async (world) => {
  const output = await inside(
    world,
    'cd /dev; for f in fd stdin stdout stderr ptmx; do echo $f $(readlink $f); done; echo said > /dev/stdout',
    // as a list of devices, which engines send along, and not that of the host
    (config) => {
      config.linux.devices = [{ path: '/dev/ptmx', type: 'c', major: 5, minor: 2 }]
    },
  )
  assert.deepEqual(output.split('\n'), [
    'fd /proc/self/fd',
    'stdin /proc/self/fd/0',
    'stdout /proc/self/fd/1',
    'stderr /proc/self/fd/2',
    'ptmx pts/ptmx',
    'said',
  ])
})

testAs({}, 'a device of the configuration is there', async (world) => {
  const output = await inside(
    world,
    'stat -c %F:%t:%T /dev/other/zero; head -c 1 /dev/other/zero | od -An -tx1',
    (config) => {
      config.linux.devices = [
        { path: '/dev/other/zero', type: 'c', major: 1, minor: 5, fileMode: 0o666, uid: 0, gid: 0 },
      ]
    },
  )
  assert.equal(output.replace(/\n\s+/, '\n'), 'character special file:1:5\n00')
})

testAs({ as: ['root'] }, 'as root, a device has the mode and the owner of the configuration', async (world) => {
  const output = await inside(world, 'stat -c %a:%u:%g /dev/mine', (config) => {
    config.linux.devices = [{ path: '/dev/mine', type: 'c', major: 1, minor: 5, fileMode: 0o640, uid: 8, gid: 1000 }]
  })
  assert.equal(output, '640:8:1000')
})

testAs({}, 'a fifo of the configuration is made', async (world) => {
  const output = await inside(world, 'test -p /dev/pipe && echo fifo', (config) => {
    config.linux.devices = [{ path: '/dev/pipe', type: 'p', fileMode: 0o600 }]
  })
  assert.equal(output, 'fifo')
})

testAs({ as: ['ranges'] }, 'a device that the host does not have is refused without root', async (world) => {
  const bundle = await world.bundle((config) => {
    config.linux.devices = [{ path: '/dev/nothing', type: 'c', major: 240, minor: 77 }]
  })
  refused(await world.usnea(['create', '--bundle', bundle.path, world.newId()]), /\/dev\/nothing/)
})

testAs({}, 'a device of an unknown type is refused', async (world) => {
  const bundle = await world.bundle((config) => {
    config.linux.devices = [{ path: '/dev/odd', type: 'z', major: 1, minor: 1 }]
  })
  refused(await world.usnea(['create', '--bundle', bundle.path, world.newId()]), /\/linux\/devices\/0/)
})
