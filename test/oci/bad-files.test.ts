// Needs a static busybox; bundles whose files are not as they should be are refused, and nothing is left.
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import { isPeer } from '../fixtures/install.ts'
import type { Bundle, World } from '../fixtures/world.ts'
import { refused, writeConfig } from '../fixtures/world.ts'

async function refusedToCreate(world: World, bundle: Bundle, words: RegExp): Promise<void> {
  for (const verb of ['create', 'run']) {
    refused(await world.usnea([verb, '--bundle', bundle.path, world.newId()]), words)
    await world.nothingLeft()
  }
}

testAs({}, 'a root file system that does not exist is refused', async (world) => {
  const bundle = await world.bundle(undefined, 'none')
  await refusedToCreate(world, bundle, /root file system.*does not exist|invalid rootfs/)
})

testAs({}, 'a root file system that is a symbolic link is refused', async (world) => {
  const bundle = await world.bundle()
  renameSync(bundle.rootfs, join(bundle.path, 'real'))
  symlinkSync('real', bundle.rootfs)
  await refusedToCreate(world, bundle, /invalid rootfs: not an absolute path, or a symlink/)
})

testAs({}, 'a root file system that is a file is refused', async (world) => {
  const bundle = await world.bundle(undefined, 'none')
  writeFileSync(bundle.rootfs, '')
  await refusedToCreate(world, bundle, /rootfs|root file system/)
})

testAs({ as: ['ranges'] }, 'a root file system below a closed directory of somebody else is refused', async (world) => {
  const bundle = await world.bundle()
  const closed = join(world.identity.home, 'closed')
  mkdirSync(closed, { mode: 0o700 })
  chmodSync(closed, 0)
  bundle.config.root.path = join(closed, 'rootfs')
  writeConfig(bundle, world.identity)
  await refusedToCreate(world, bundle, /root file system/)
  rmSync(closed, { recursive: true })
})

testAs({ as: ['root'] }, 'a root file system that the mapped id cannot reach is refused', async (world) => {
  const bundle = await world.bundle((config) => {
    config.linux.namespaces.push({ type: 'user' })
    config.linux.uidMappings = [{ containerID: 0, hostID: 1_800_000_000, size: 1000 }]
    config.linux.gidMappings = config.linux.uidMappings
  })
  chmodSync(bundle.path, 0o700)
  await refusedToCreate(world, bundle, /(cannot be reached|cannot use .* as the root of the container).*mapped/)
})

const programs: Record<string, readonly [string, RegExp]> = {
  'that no directory of PATH has': ['frobnicate', /executable file not found in \$PATH/],
  'whose path does not exist': ['/usr/bin/frobnicate', /no such file or directory/],
  'that is not executable': ['/etc/passwd', /permission denied/],
  'that is a directory': ['/etc', /permission denied .*it is a directory/],
  'of an unknown format': ['/bin/garbage', /exec format error/],
}

for (const [title, [program, words]] of Object.entries(programs)) {
  // Other runtimes find some of these only at start, and then without cleaning up after create.
  testAs({ skip: isPeer ? 'other runtimes differ' : undefined }, `a program ${title} is refused`, async (world) => {
    const bundle = await world.bundle((config) => {
      config.process.args = [program]
    })
    const garbage = join(bundle.rootfs, 'bin/garbage')
    writeFileSync(garbage, '\x7fELF rubbish')
    chmodSync(garbage, 0o755)
    refused(await world.usnea(['run', '--bundle', bundle.path, world.newId()]), words)
    await world.nothingLeft()
  })
}

testAs({}, 'a mount whose source is missing is refused', async (world) => {
  const bundle = await world.bundle((config) => {
    config.mounts.push({
      destination: '/mnt',
      type: 'bind',
      source: join(world.identity.home, 'nothing-here'),
      options: ['rbind'],
    })
  })
  await refusedToCreate(world, bundle, /nothing-here/)
})

testAs({}, 'a mount over the root itself is refused or stays inside', async (world) => {
  const bundle = await world.bundle((config) => {
    config.mounts.push({ destination: '/', type: 'tmpfs', source: 'tmpfs' })
    config.process.args = ['/bin/true']
  })
  const { status } = await world.usnea(['run', '--bundle', bundle.path, world.newId()])
  if (status !== 0 && status !== 1) throw new Error(`ended with ${status}`)
})

testAs({}, 'a pid file in a directory that does not exist is refused, and the container goes', async (world) => {
  const bundle = await world.bundle()
  const pidFile = join(world.identity.home, 'nowhere', 'pid')
  refused(await world.usnea(['create', '--pid-file', pidFile, '--bundle', bundle.path, world.newId()]), /nowhere/)
})

testAs({}, 'a state directory that cannot be made is refused', async (world) => {
  const bundle = await world.bundle()
  const file = world.file('a-file', '')
  const call = ['--root', join(file, 'state'), 'create', '--bundle', bundle.path, world.newId()]
  refused(await world.usnea(call, { noRoot: true }), /a-file/)
})

testAs(
  {},
  'a script whose interpreter is missing is told in the words of execve, alone on the line after run',
  async (world) => {
    const bundle = await world.bundle((config) => {
      config.process.args = ['/bin/script']
    })
    const script = join(bundle.rootfs, 'bin/script')
    writeFileSync(script, '#!/nowhere/sh\necho never\n')
    chmodSync(script, 0o755)
    const outcome = await world.usnea(['run', '--bundle', bundle.path, world.newId()])
    assert.deepEqual(outcome, {
      status: 1,
      signal: null,
      stdout: '',
      stderr: 'exec /bin/script: no such file or directory\n',
    })
    await world.nothingLeft()
    const log = join(world.identity.home, 'interpreter.log')
    const logged = await world.usnea(['--log', log, 'run', '--bundle', bundle.path, world.newId()])
    refused(logged, /^usnea run failed: exec \/bin\/script: no such file or directory .*cause: .*fix: /)
    assert.match(readFileSync(log, 'utf8'), /level=error msg="usnea run failed: exec .*fix: /)
  },
)
