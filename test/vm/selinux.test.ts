// Needs root, and a kernel in which SELinux is on without a policy: `npm run test:vm -- selinux`. It gets the one of
// selinux.cil, which is then enforced: labels of programs, keys and mounts are what decides.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import type { Config } from '../fixtures/config.ts'
import { findProgram, needs } from '../fixtures/needs.ts'
import { atEnd, runDirectory } from '../fixtures/run-directory.ts'
import { type Bundle, refused, succeeded, type World } from '../fixtures/world.ts'

const system = '/sys/fs/selinux'
const compiler = findProgram('secilc')
const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
const skip =
  needs('root') ??
  (read('/proc/self/attr/current').replace('\0', '') !== 'kernel' || read(`${system}/enforce`) !== '0'
    ? 'needs SELinux without a policy (npm run test:vm -- selinux)'
    : compiler === undefined
      ? 'needs secilc'
      : undefined)
const patience = { timeout: 120_000 }

const program = 'system_u:system_r:container_t:s0:c1,c2'
const files = 'system_u:object_r:container_file_t:s0:c1,c2'

/** Processes that run already become those of the host. Nothing takes a policy away again. */
function enforce(): void {
  const path = join(runDirectory(), 'policy')
  const version = read(`${system}/policyvers`)
  const args = [
    '-o',
    path,
    '-f',
    '/dev/null',
    '-M',
    'true',
    '-c',
    version,
    new URL('selinux.cil', import.meta.url).pathname,
  ]
  const { status, stderr } = spawnSync(compiler ?? '', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`the policy cannot be compiled: ${stderr}`)
  writeFileSync(`${system}/load`, readFileSync(path))
  writeFileSync(`${system}/enforce`, '1')
  atEnd(() => writeFileSync(`${system}/enforce`, '0'))
}

if (skip === undefined) enforce()

async function labelled(world: World, patch: (config: Config) => void): Promise<Bundle> {
  const bundle = await world.bundle((config) => {
    config.process.selinuxLabel = program
    config.linux.mountLabel = files
    // /proc/keys shows only keys whose label lets the program see them.
    config.linux.maskedPaths = config.linux.maskedPaths.filter((path) => path !== '/proc/keys')
    patch(config)
  })
  const { status, stderr } = spawnSync('chcon', ['-hR', files, bundle.rootfs], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  return bundle
}

const both = { as: ['root', 'ranges'], skip } as const
const root = { as: ['root'], skip } as const
const current = 'tr "\\0" "\\n" </proc/self/attr/current'

testAs(both, 'the program, its keys and its new mounts have their labels', async (world) => {
  const bundle = await labelled(world, (config) => {
    const shown = ['grep -o _ses /proc/keys', 'grep " /dev/shm " /proc/self/mountinfo']
    // Its files take their label from the file system, so only the directory shows whether it has ours.
    const used = ['echo x >/dev/shm/new && echo shm', '(echo >/dev/mqueue/new) 2>/dev/null', 'ls /dev/mqueue']
    config.process.args = ['sh', '-c', [current, ...shown, ...used].join('; ')]
  })
  const { stdout, stderr } = await world.usnea(['run', '--bundle', bundle.path, world.newId()], patience)
  const [label, key, mount = '', ...rest] = stdout.split('\n')
  assert.deepEqual([label, key, ...rest], [program, '_ses', 'shm', 'new', ''], `${stdout}${stderr}`)
  assert.ok(mount.includes(`context="${files}"`) || mount.includes(`context=${files}`), mount)
})

testAs(both, 'the policy confines it to files of its own type and categories', async (world) => {
  const host = join(world.identity.home, 'host')
  const others = join(world.identity.home, 'others')
  for (const path of [host, others]) {
    mkdirSync(path, { recursive: true })
    spawnSync('chmod', ['777', path])
  }
  spawnSync('chcon', ['system_u:object_r:container_file_t:s0:c1,c3', others])
  const bundle = await labelled(world, (config) => {
    config.process.args = ['sh', '-c', 'echo x >/file && echo own; echo x >/host/file; echo x >/others/file']
    for (const source of [host, others])
      config.mounts.push({ destination: source.replace(/.*\//, '/'), type: 'bind', source, options: ['bind'] })
  })
  const { stdout, stderr } = await world.usnea(['run', '--bundle', bundle.path, world.newId()], patience)
  assert.equal(stdout, 'own\n', stderr)
  assert.match(stderr, /host\/file: Permission denied/)
  assert.match(stderr, /others\/file: Permission denied/)
})

testAs(
  root,
  'exec takes the label of the container, or the one that is named, with a keyring of that',
  async (world) => {
    const bundle = await labelled(world, (config) => {
      config.process.args = ['sleep', '1000']
    })
    const id = world.newId()
    succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id], patience))
    // That of the first process, too, because it has the same type.
    const look = ['sh', '-c', `${current}; grep -c _ses /proc/keys`]
    assert.equal((await world.usnea(['exec', id, ...look], patience)).stdout, `${program}\n2\n`)
    const other = 'system_u:system_r:container_t:s0:c1'
    assert.equal((await world.usnea(['exec', '--process-label', other, id, ...look], patience)).stdout, `${other}\n2\n`)
    refused(
      await world.usnea(['exec', '--process-label', 'system_u:system_r:nowhere_t:s0', id, ...look], patience),
      /unable to apply SELinux label .*nowhere_t.* invalid argument.*knows no such label/,
      255,
    )
    succeeded(await world.usnea(['delete', '--force', id], patience))
  },
)

testAs(both, 'labels that the policy does not know, or refuses, are errors, and nothing stays', async (world) => {
  const attempt = async (patch: (config: Config) => void) => {
    const bundle = await labelled(world, patch)
    return world.usnea(['run', '--bundle', bundle.path, world.newId()], patience)
  }
  const as = (type: string) => (config: Config) => {
    config.process.args = ['true']
    config.process.selinuxLabel = `system_u:system_r:${type}:s0`
  }
  refused(await attempt(as('nowhere_t')), /unable to apply SELinux label .*nowhere_t.*knows no such label/)
  refused(await attempt(as('closed_t')), /exec: .*true.*SELinux, which is enforcing.*ausearch/, 1)
  refused(
    await attempt((config) => {
      config.linux.mountLabel = 'system_u:object_r:nowhere_t:s0'
    }),
    /error mounting.*SELinux policy that is loaded does not know the label/,
  )
})

testAs(root, 'with no_new_privs the policy has a word of its own', async (world) => {
  const bundle = (noNewPrivileges: boolean) =>
    labelled(world, (config) => {
      config.process.selinuxLabel = 'system_u:system_r:stiff_t:s0'
      config.process.noNewPrivileges = noNewPrivileges
      config.process.args = ['sh', '-c', current]
    })
  const run = async (path: string) => world.usnea(['run', '--bundle', path, world.newId()], patience)
  assert.equal((await run((await bundle(false)).path)).stdout, 'system_u:system_r:stiff_t:s0\n')
  refused(await run((await bundle(true)).path), /exec: .*sh.*nnp_transition/)
})

testAs(root, 'features and the doctor say that it is on', async (world) => {
  const { linux } = JSON.parse(succeeded(await world.usnea(['features'], patience)))
  assert.equal(linux.selinux.enabled, true)
})
