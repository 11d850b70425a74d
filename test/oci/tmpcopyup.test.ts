// Needs a static busybox: a tmpfs that begins with what it covers, also where the image is hostile.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, closeSync, ftruncateSync, linkSync, mkdirSync, openSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import type { Config } from '../fixtures/config.ts'
import { placeVictim } from '../fixtures/victim.ts'
import { refused, succeeded, type World } from '../fixtures/world.ts'

const copied =
  (script: string, options: string[] = []) =>
  (config: Config) => {
    config.mounts.push({ destination: '/data', type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup', ...options] })
    config.process.args = ['sh', '-c', script]
  }

interface Case {
  /** Fills the directory of the image that the tmpfs will cover. */
  readonly fill: (directory: string) => void
  readonly script: string
  readonly options?: string[]
  readonly change?: (config: Config) => void
}

async function bundleOf(world: World, { fill, script, options, change }: Case) {
  const bundle = await world.bundle((config) => {
    copied(script, options)(config)
    change?.(config)
  })
  const directory = join(bundle.rootfs, 'data')
  mkdirSync(directory)
  fill(directory)
  if (world.identity.name !== 'root')
    execFileSync('chown', ['-hR', `${world.identity.outerUid(0)}:${world.identity.outerGid(0)}`, directory])
  return { bundle, directory }
}

async function seen(world: World, wanted: Case): Promise<string> {
  const { bundle } = await bundleOf(world, wanted)
  return succeeded(await world.usnea(['run', '--bundle', bundle.path, world.newId()])).trimEnd()
}

testAs(
  { as: ['root', 'ranges', 'plain', 'nested'] },
  'files, directories and links are there, and the image stays as it is',
  async (world) => {
    const { bundle, directory } = await bundleOf(world, {
      fill: (data) => {
        mkdirSync(join(data, 'below/deep'), { recursive: true })
        chmodSync(join(data, 'below/deep'), 0o777)
        writeFileSync(join(data, 'below/file'), 'text\n')
        chmodSync(join(data, 'below/file'), 0o640)
        symlinkSync('below/file', join(data, 'link'))
        chmodSync(data, 0o1711)
      },
      script:
        'stat -c %a /data /data/below/deep /data/below/file; readlink /data/link; cat /data/link; rm -r /data/below; ls -A /data',
    })
    const output = succeeded(await world.usnea(['run', '--bundle', bundle.path, world.newId()]))
    assert.equal(output, '1711\n777\n640\nbelow/file\ntext\nlink\n')
    assert.equal(execFileSync('cat', [join(directory, 'below/file')], { encoding: 'utf8' }), 'text\n')
  },
)

testAs({ as: ['root'] }, 'owners, attributes, times, hard links, fifos and sockets are kept', async (world) => {
  const output = await seen(world, {
    fill: (data) => {
      writeFileSync(join(data, 'one'), 'x')
      linkSync(join(data, 'one'), join(data, 'two'))
      execFileSync('chown', ['7:8', join(data, 'one')])
      chmodSync(join(data, 'one'), 0o4755)
      execFileSync('touch', ['-d', '@1000000000', join(data, 'one')])
      execFileSync('mkfifo', ['-m', '600', join(data, 'fifo')])
    },
    script: 'cd /data; stat -c "%a %u:%g %h %Y" one; test one -ef two && echo same; stat -c "%F %a" fifo',
  })
  assert.equal(output, '4755 7:8 2 1000000000\nsame\nfifo 600')
})

testAs({}, 'options hold beside the copy, ro included', async (world) => {
  const { bundle } = await bundleOf(world, {
    fill: (data) => writeFileSync(join(data, 'file'), 'text\n'),
    script: 'cat /data/file; stat -c %a /data; touch /data/new 2>&1; df -k /data | tail -1 | tr -s " " | cut -d" " -f2',
    options: ['ro', 'nosuid', 'size=1m', 'mode=1700'],
  })
  const output = succeeded(await world.usnea(['run', '--bundle', bundle.path, world.newId()]))
  assert.equal(output, 'text\n1700\ntouch: /data/new: Read-only file system\n1024\n')
})

testAs({}, 'a directory that is missing is made and empty', async (world) => {
  const bundle = await world.bundle(copied('ls -A /data | wc -l; stat -c %a /data'))
  assert.equal(succeeded(await world.usnea(['run', '--bundle', bundle.path, world.newId()])), '0\n1777\n')
})

testAs(
  {},
  'links of the image are copied as links: nothing of the host comes in, nothing of it changes',
  async (world) => {
    const victim = placeVictim(world)
    const output = await seen(world, {
      fill: (data) => {
        symlinkSync(victim.secret, join(data, 'file'))
        symlinkSync(`/proc/self/root${victim.path}`, join(data, 'directory'))
        symlinkSync(`${'../'.repeat(30)}${victim.path.slice(1)}`, join(data, 'dots'))
        symlinkSync('loop', join(data, 'loop'))
      },
      script: 'cd /data; readlink file; cat file directory/secret dots/secret 2>/dev/null; rm -rf /data/*; true',
    })
    assert.equal(output, victim.secret)
    victim.assertUntouched()
  },
)

testAs({}, 'a link in the place of the directory does not lead out', async (world) => {
  const victim = placeVictim(world)
  const { bundle } = await bundleOf(world, {
    fill: () => undefined,
    script: 'find / -xdev -name secret 2>/dev/null; touch /data/new; true',
  })
  execFileSync('rmdir', [join(bundle.rootfs, 'data')])
  symlinkSync(join(victim.path, 'full'), join(bundle.rootfs, 'data'))
  await world.usnea(['run', '--bundle', bundle.path, world.newId()])
  victim.assertUntouched()
})

testAs({ as: ['root'] }, 'a device of the image is left out, and that is told', async (world) => {
  const { bundle } = await bundleOf(world, {
    fill: (data) => execFileSync('mknod', [join(data, 'zero'), 'c', '1', '5']),
    script: 'ls -A /data | wc -l',
  })
  const outcome = await world.usnea(['--log-level', 'warning', 'run', '--bundle', bundle.path, world.newId()])
  assert.equal(succeeded(outcome), '0\n')
  assert.match(outcome.stderr, /without its devices/)
})

testAs({}, 'a huge file of nothing costs nothing', async (world) => {
  const output = await seen(world, {
    fill: (data) => {
      const fd = openSync(join(data, 'huge'), 'w')
      ftruncateSync(fd, 2 ** 40)
      closeSync(fd)
    },
    script: 'stat -c "%s %b" /data/huge',
    options: ['size=1m'],
  })
  assert.equal(output, `${2 ** 40} 0`)
})

testAs({}, 'what is larger than the tmpfs may become is refused with the place', async (world) => {
  const { bundle } = await bundleOf(world, {
    fill: (data) => {
      mkdirSync(join(data, 'sub'))
      writeFileSync(join(data, 'sub/large'), Buffer.alloc(2 << 20, 'x'))
    },
    script: 'true',
    options: ['size=1m'],
  })
  const line = refused(await world.usnea(['run', '--bundle', bundle.path, world.newId()]), /sub\/large/)
  assert.match(line, /no space left on device/)
})

testAs({}, 'a bottomless tree is refused', async (world) => {
  const { bundle } = await bundleOf(world, {
    fill: (data) => mkdirSync(join(data, 'd/'.repeat(300)), { recursive: true }),
    script: 'true',
  })
  refused(await world.usnea(['run', '--bundle', bundle.path, world.newId()]), /deeper than 256 directories/)
})

testAs({}, 'what is mounted below is not copied', async (world) => {
  const output = await seen(world, {
    fill: (data) => {
      mkdirSync(join(data, 'proc'))
      writeFileSync(join(data, 'own'), '')
    },
    script: 'ls -A /data; ls -A /data/proc | wc -l',
    change: (config) => {
      config.mounts.splice(-1, 0, { destination: '/data/proc', type: 'proc', source: 'proc' })
    },
  })
  assert.equal(output, 'own\nproc\n0')
})

testAs(
  { as: ['plain'], needs: ['root'] },
  'without a map for the owner a copy loses its setuid bit, and an unreadable file is an error',
  async (world) => {
    const { bundle, directory } = await bundleOf(world, {
      fill: (data) => writeFileSync(join(data, 'tool'), 'x'),
      script: 'stat -c "%a %u" /data/tool',
    })
    execFileSync('chown', ['3:3', join(directory, 'tool')])
    chmodSync(join(directory, 'tool'), 0o4755)
    const outcome = await world.usnea(['--log-level', 'warning', 'run', '--bundle', bundle.path, world.newId()])
    assert.equal(succeeded(outcome), '755 0\n')
    assert.match(outcome.stderr, /owners and attributes that cannot be kept/)
    chmodSync(join(directory, 'tool'), 0o600)
    refused(await world.usnea(['run', '--bundle', bundle.path, world.newId()]), /\/data\/tool/)
  },
)

testAs({}, 'tmpcopyup on anything but a tmpfs is refused', async (world) => {
  const bundle = await world.bundle((config) => {
    config.mounts.push({ destination: '/mnt', type: 'bind', source: '/', options: ['rbind', 'tmpcopyup'] })
  })
  refused(await world.usnea(['create', '--bundle', bundle.path, world.newId()]), /tmpcopyup is only for the type tmpfs/)
})

testAs({}, 'without it a tmpfs is empty and has the mode of the directory below, or its own', async (world) => {
  const bundle = await world.bundle((config) => {
    for (const [name, options] of [
      ['inherit', []],
      ['own', ['mode=1500']],
    ] as const)
      config.mounts.push({ destination: `/${name}`, type: 'tmpfs', source: 'tmpfs', options: [...options] })
    config.process.args = ['sh', '-c', 'stat -c "%n %a" /inherit /own; ls -A /inherit']
  })
  for (const name of ['inherit', 'own']) {
    mkdirSync(join(bundle.rootfs, name))
    writeFileSync(join(bundle.rootfs, name, 'file'), '')
    chmodSync(join(bundle.rootfs, name), 0o710)
    execFileSync('chown', [
      '-R',
      `${world.identity.outerUid(0)}:${world.identity.outerGid(0)}`,
      join(bundle.rootfs, name),
    ])
  }
  assert.equal(
    succeeded(await world.usnea(['run', '--bundle', bundle.path, world.newId()])),
    '/inherit 710\n/own 1500\n',
  )
})

for (const place of ['/sys', '/proc', '/sys/kernel'])
  testAs({}, `a link of the image to ${place} brings nothing of it into a tmpfs`, async (world) => {
    const bundle = await world.bundle(copied('ls /data'))
    symlinkSync(place, join(bundle.rootfs, 'data'))
    refused(await world.usnea(['create', '--bundle', bundle.path, world.newId()]), /symbolic link/)
  })
