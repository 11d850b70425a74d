// Where else the files of a path can be seen, read from lines as the kernel writes them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMountinfo } from '../../../src/host/mountinfo.ts'
import { OtherMounts, type OtherPlace } from '../../../src/host/other-mounts.ts'

/** `id parent device root target [fstype [options of the file system]]` */
function mounts(...lines: string[]) {
  const text = lines.map((line) => {
    const [id, parent, device, root, target, fstype = 'ext4', options = 'rw'] = line.split(' ')
    return `${id} ${parent} ${device} ${root} ${target} rw,relatime shared:1 - ${fstype} none ${options}`
  })
  return new OtherMounts(parseMountinfo(text.join('\n')))
}

const pathsOf = (places: readonly OtherPlace[]) => places.map(({ path }) => path).sort()

const root = '1 0 8:1 / /'
const home = '/home/anna'

const cases: readonly [title: string, lines: readonly string[], places: readonly string[]][] = [
  ['nothing where it is mounted once', [root, '2 1 8:2 / /home', '3 1 0:5 / /mnt tmpfs'], []],
  ['a bind mount of it', [root, '2 1 8:1 /home/anna /mnt/it'], ['/mnt/it']],
  ['of what lies above it', [root, '2 1 8:1 /home /mnt/x'], ['/mnt/x/anna']],
  [
    'of what lies in it, and of one file',
    [root, '2 1 8:1 /home/anna/.ssh /mnt/k', '3 1 8:1 /home/anna/.ssh/id /mnt/f'],
    ['/mnt/k', '/mnt/f'],
  ],
  ['of a file that was removed', [root, '2 1 8:1 /home/anna/.ssh/id//deleted /mnt/f'], ['/mnt/f']],
  ['a neighbour with a longer name is another', [root, '2 1 8:1 /home/annabel /mnt/x'], []],
  ['another file system of the same paths is another', [root, '2 1 8:3 /home/anna /mnt/x'], []],
  [
    'the top of a Btrfs',
    ['1 0 0:30 /@ / btrfs', '2 1 0:30 /@home /home btrfs', '3 1 0:30 / /mnt/top btrfs'],
    ['/mnt/top/@home/anna'],
  ],
  [
    'a root inside of another one',
    ['1 0 8:1 /deploy/1 / xfs', '2 1 8:1 / /sysroot xfs'],
    ['/sysroot/deploy/1/home/anna'],
  ],
  ['not what another mount covers', [root, '2 1 8:1 /home /mnt/x', '3 2 0:9 / /mnt/x/anna tmpfs'], []],
  ['not what is covered whole', [root, '2 1 8:1 /home /mnt/x', '3 2 0:9 / /mnt/x tmpfs'], []],
  ['not what is covered from above', [root, '2 1 8:1 /home /mnt/x', '3 1 0:9 / /mnt tmpfs'], []],
  [
    'what lies on a mount that covers another',
    [root, '2 1 0:9 / /mnt/x/anna tmpfs', '3 1 8:1 /home /mnt/x'],
    ['/mnt/x/anna'],
  ],
  [
    'an overlay over it',
    [root, '2 1 0:40 / /mnt/o overlay rw,lowerdir=/opt:/home,upperdir=/u,workdir=/w'],
    ['/mnt/o/anna'],
  ],
  [
    'an overlay over a bind mount of it',
    [root, '2 1 8:1 /home /b', '3 1 0:40 / /mnt/o overlay ro,lowerdir+=/b,lowerdir+=/opt'],
    ['/b/anna', '/mnt/o/anna'],
  ],
  [
    'an overlay that writes into it',
    [root, '2 1 0:40 / /mnt/o overlay rw,lowerdir=/opt,upperdir=/home/anna/up,workdir=/w'],
    ['/mnt/o'],
  ],
  [
    'an overlay with a colon in a name',
    [root, '2 1 8:1 /home /b:c', '3 1 0:40 / /mnt/o overlay ro,lowerdir=/opt:/b\\134:c'],
    ['/b:c/anna', '/mnt/o/anna'],
  ],
  [
    'what lies beneath it where it is an overlay',
    [root, '2 1 0:40 / /home overlay rw,lowerdir=/data/low,upperdir=/data/up,workdir=/w'],
    ['/data/low/anna', '/data/up/anna'],
  ],
  [
    'overlays over each other have an end',
    [root, '2 1 0:40 / /a overlay rw,lowerdir=/b/x:/home', '3 1 0:41 / /b overlay rw,lowerdir=/a/y'],
    ['/a/anna'],
  ],
  [
    'an overlay over itself has an end',
    [root, '2 1 0:40 / /home overlay rw,lowerdir=/home,upperdir=/u,workdir=/w'],
    ['/u/anna'],
  ],
  [
    "not what the host's paths of a container's root would be",
    ['1 0 0:40 / / overlay rw,lowerdir=/home/anna/.local/l/A,upperdir=/x', '2 1 8:1 /v /home'],
    [],
  ],
]
for (const [title, lines, places] of cases)
  test(`seen elsewhere: ${title}`, () => assert.deepEqual(pathsOf(mounts(...lines).placesOf(home)), [...places].sort()))

test('a file that was removed is told from one that is there', () => {
  const found = mounts(root, '2 1 8:1 /home/anna/a//deleted /mnt/a', '3 1 8:1 /home/anna/b /mnt/b').placesOf(home)
  assert.deepEqual(
    found.map(({ path, isRemoved }) => [path, isRemoved]),
    [
      ['/mnt/a', true],
      ['/mnt/b', false],
    ],
  )
})

test('a disk that is mounted in the home, and elsewhere too', () => {
  const found = mounts(
    root,
    `2 1 8:17 / ${home}/disk`,
    '3 1 8:17 / /media/disk',
    '4 1 8:17 /a /media/a',
    '5 1 8:18 / /media/b',
  )
  assert.deepEqual(pathsOf(found.mountsOfThoseBelow(home)), ['/media/a', '/media/disk'])
})

test('what the home shows of a larger file system lies where it lies', () => {
  assert.deepEqual(mounts(root, `2 1 8:1 /opt/tool ${home}/tool`).mountsOfThoseBelow(home), [])
  assert.deepEqual(mounts(root, '2 1 8:2 / /data', `3 1 8:2 /x ${home}/x`).mountsOfThoseBelow(home), [])
})

test('a host of an engine with 400 containers is read in some milliseconds', () => {
  const layers = Array.from({ length: 40 }, (_, i) => `/var/lib/engine/overlay2/l/${i}`).join(':')
  const lines = Array.from({ length: 400 }, (_, i) => [
    `${100 + 2 * i} 1 0:${100 + i} / /var/lib/engine/${i}/merged overlay rw,lowerdir=${layers}:/var/lib/engine/l/${i},upperdir=/var/lib/engine/${i}/diff`,
    `${101 + 2 * i} 1 0:4 net:[${i}] /run/engine/netns/${i} nsfs`,
  ]).flat()
  const began = process.cpuUsage()
  const all = mounts(root, '2 1 0:20 / /run tmpfs', ...lines)
  for (const path of ['/tmp', '/var/tmp', '/run', home]) assert.deepEqual(all.placesOf(path), [])
  const { user } = process.cpuUsage(began)
  assert.ok(user < 400_000, `${user / 1000} ms`)
})
