// Needs a static busybox; the Debian ones root and debootstrap: who owns what, with id ranges and without.
import assert from 'node:assert/strict'
import { chmodSync, lstatSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import { whyNoDebian } from '../fixtures/debian.ts'
import { refused, succeeded } from '../fixtures/world.ts'

const withRanges = ['ranges', 'contained'] as const

testAs(
  { as: ['root', ...withRanges] },
  'with ranges, files can be given to any id, and the host sees the mapped one',
  async (world) => {
    const bundle = await world.bundle((config) => {
      config.process.args = ['sh', '-c', 'touch /tmp/a && chown 8:1000 /tmp/a && stat -c %u:%g /tmp/a']
    })
    assert.equal(succeeded(await world.usnea(['run', '--bundle', bundle.path, world.newId()])), '8:1000\n')
    const { uid, gid } = lstatSync(join(bundle.rootfs, 'tmp/a'))
    assert.deepEqual([uid, gid], [world.identity.outerUid(8), world.identity.outerGid(1000)])
  },
)

testAs({ as: ['root', ...withRanges] }, 'with ranges, a program can run as any user with any groups', async (world) => {
  const bundle = await world.bundle((config) => {
    config.process.user = { uid: 1000, gid: 8, additionalGids: [4, 24] }
    config.process.args = ['sh', '-c', 'echo $(id -u) $(id -g) $(id -G)']
  })
  assert.equal(succeeded(await world.usnea(['run', '--bundle', bundle.path, world.newId()])), '1000 8 8 4 24\n')
})

/** The data of a package with an owner of its own, a postinst that gives files away, and a user that apt changes to. */
const packageScript = `
set -e
mkdir -p /tmp/p/DEBIAN /tmp/p/var/lib/boxed
printf 'Package: boxed\\nVersion: 1\\nArchitecture: all\\nMaintainer: nobody <nobody@example.org>\\nDescription: a test\\n' > /tmp/p/DEBIAN/control
printf '#!/bin/sh\\nset -e\\nchown mail:mail /var/lib/boxed/given\\nchgrp shadow /var/lib/boxed\\n' > /tmp/p/DEBIAN/postinst
chmod 755 /tmp/p/DEBIAN/postinst
touch /tmp/p/var/lib/boxed/given /tmp/p/var/lib/boxed/owned
chown games:users /tmp/p/var/lib/boxed/owned
dpkg-deb --build /tmp/p /tmp/boxed.deb
apt-get install -y -q /tmp/boxed.deb
stat -c '%U:%G %n' /var/lib/boxed /var/lib/boxed/given /var/lib/boxed/owned
`

testAs(
  { as: ['root', ...withRanges], skip: whyNoDebian() },
  'with ranges, apt-get and dpkg install a package that gives files away',
  async (world) => {
    const bundle = await world.bundle((config) => {
      config.process.args = ['sh', '-c', packageScript]
    }, 'debian')
    const output = succeeded(await world.usnea(['run', '--bundle', bundle.path, world.newId()]))
    assert.match(
      output,
      /root:shadow \/var\/lib\/boxed\nmail:mail \/var\/lib\/boxed\/given\ngames:users \/var\/lib\/boxed\/owned\n$/,
    )
    const { uid, gid } = lstatSync(join(bundle.rootfs, 'var/lib/boxed/given'))
    assert.deepEqual([uid, gid], [world.identity.outerUid(8), world.identity.outerGid(8)])
  },
)

testAs(
  { as: ['plain'] },
  'without ranges, a user other than the mapped one is refused with the missing range and the fix',
  async (world) => {
    const bundle = await world.bundle((config) => {
      config.process.user = { uid: 1000, gid: 1000 }
    })
    const line = refused(
      await world.usnea(['create', '--bundle', bundle.path, world.newId()]),
      /cannot setuid to unmapped uid/,
    )
    assert.match(line, /1000/)
    assert.match(line, /usermod --add-subuids/)
    assert.match(line, /process\/user/)
  },
)

testAs(
  { as: ['plain'] },
  'without ranges, an owner outside of the map is refused with the missing range and the fix',
  async (world) => {
    const bundle = await world.bundle((config) => {
      config.mounts.push({ destination: '/mnt', type: 'tmpfs', source: 'tmpfs', options: ['uid=33', 'gid=33'] })
    })
    const line = refused(await world.usnea(['create', '--bundle', bundle.path, world.newId()]), /33/)
    assert.match(line, /usermod --add-subuids/)
  },
)

testAs({ as: ['plain'] }, 'without ranges, additional groups are refused with the reason', async (world) => {
  const bundle = await world.bundle((config) => {
    config.process.user = { uid: 0, gid: 0, additionalGids: [27] }
  })
  refused(
    await world.usnea(['create', '--bundle', bundle.path, world.newId()]),
    /cannot set any additional groups in a rootless container/,
  )
})

testAs(
  { as: ['plain'] },
  'without ranges, a map over ranges is refused with the missing helper or range',
  async (world) => {
    const bundle = await world.bundle((config) => {
      const { uid, gid } = world.identity.user
      const rest = { containerID: 1, hostID: 1_900_000_000, size: 10 }
      config.linux.uidMappings = [{ containerID: 0, hostID: uid, size: 1 }, rest]
      config.linux.gidMappings = [{ containerID: 0, hostID: gid, size: 1 }, rest]
    })
    refused(
      await world.usnea(['create', '--bundle', bundle.path, world.newId()]),
      /usermod --add-subuids|newuidmap was not found/,
    )
  },
)

testAs({ as: ['ranges'] }, 'with ranges, a map over somebody else’s range is refused with the range', async (world) => {
  const bundle = await world.bundle((config) => {
    const { uid, gid, ranges = 0 } = world.identity.user
    config.linux.uidMappings = [
      { containerID: 0, hostID: uid, size: 1 },
      { containerID: 1, hostID: ranges - 5, size: 10 },
    ]
    config.linux.gidMappings = [
      { containerID: 0, hostID: gid, size: 1 },
      { containerID: 1, hostID: ranges, size: 10 },
    ]
  })
  const line = refused(await world.usnea(['create', '--bundle', bundle.path, world.newId()]), /\/linux\/uidMappings\/1/)
  assert.match(line, new RegExp(String((world.identity.user.ranges ?? 0) - 5)))
})

testAs({ as: ['ranges'] }, 'many short ranges are mapped, and neighbours count as one', async (world) => {
  const { uid, gid, ranges = 0 } = world.identity.user
  const pieces = Array.from({ length: 40 }, (_, n) => ({ containerID: 1 + n * 10, hostID: ranges + n * 20, size: 5 }))
  const neighbours = Array.from({ length: 60 }, (_, n) => ({
    containerID: 1000 + n,
    hostID: ranges + 2000 + n,
    size: 1,
  }))
  const bundle = await world.bundle((config) => {
    config.linux.uidMappings = [{ containerID: 0, hostID: uid, size: 1 }, ...pieces, ...neighbours]
    config.linux.gidMappings = [{ containerID: 0, hostID: gid, size: 1 }, ...pieces, ...neighbours]
    config.mounts = config.mounts.filter(({ destination }) => destination !== '/dev/pts')
    config.process.args = ['sh', '-c', 'wc -l < /proc/self/uid_map; touch /tmp/a; chown 1059:395 /tmp/a']
  })
  const output = succeeded(await world.usnea(['run', '--bundle', bundle.path, world.newId()]))
  assert.ok(Number(output) <= 42, `lines in the map: ${output}`)
  const { uid: owner, gid: group } = lstatSync(join(bundle.rootfs, 'tmp/a'))
  assert.deepEqual([owner, group], [ranges + 2059, ranges + 39 * 20 + 4])
})

testAs({ as: ['root'] }, 'as root, a container in a user namespace has the ids that its map says', async (world) => {
  const shared = join(world.identity.home, 'shared')
  mkdirSync(shared)
  chmodSync(shared, 0o777)
  const bundle = await world.bundle((config) => {
    config.linux.namespaces.push({ type: 'user' })
    config.linux.uidMappings = [{ containerID: 0, hostID: 1_800_000_000, size: 1000 }]
    config.linux.gidMappings = [{ containerID: 0, hostID: 1_810_000_000, size: 1000 }]
    config.mounts.push({ destination: '/mnt', type: 'bind', source: shared, options: ['rbind', 'rw'] })
    config.process.args = ['sh', '-c', 'touch /mnt/a && stat -c %u:%g /mnt/a']
  })
  assert.equal(succeeded(await world.usnea(['run', '--bundle', bundle.path, world.newId()])), '0:0\n')
  const { uid, gid } = lstatSync(join(shared, 'a'))
  assert.deepEqual([uid, gid], [1_800_000_000, 1_810_000_000])
})
