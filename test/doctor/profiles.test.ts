/** The profiles that we ship: what they say, with which paths, and that nothing in them could be left out. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { profileText } from '../../src/doctor/profiles.ts'
import { whyNot } from '../fixtures/as.ts'
import { installed, repository, runtimePath } from '../fixtures/install.ts'
import { needs } from '../fixtures/needs.ts'
import { filtered } from '../fixtures/refusing.ts'
import { openWorld, succeeded } from '../fixtures/world.ts'

const shipped = join(repository, 'docs/profiles/seccomp.json')
const profile = JSON.parse(readFileSync(shipped, 'utf8'))
const added: readonly string[] = profile.syscalls.at(-1).names
const allowed: readonly string[] = profile.syscalls[0].names

const without = (name: string) => ({
  defaultAction: profile.defaultAction,
  defaultErrnoRet: profile.defaultErrnoRet,
  syscalls: [
    ...profile.syscalls.slice(0, -1),
    { ...profile.syscalls.at(-1), names: added.filter((one) => one !== name) },
  ],
})

test('what is printed names files that are there', async () => {
  const usnea = await runtimePath()
  const printed = (name: string) => spawnSync(usnea, ['doctor', '--profile', name], { encoding: 'utf8' }).stdout
  const [program, seccomp] = [realpathSync(usnea), join(realpathSync(await installed()), 'docs/profiles/seccomp.json')]
  for (const name of ['docker', 'podman']) assert.match(printed(name), new RegExp(`--security-opt seccomp=${seccomp} `))
  assert.ok(printed('kubernetes').includes(`${seccomp} /var/lib/kubelet/seccomp/profiles/usnea.json`))
  assert.ok(printed('apparmor').includes(`profile usnea ${program} flags=(unconfined) {`))
  assert.equal(printed('seccomp'), readFileSync(seccomp, 'utf8'))
})

test('paths that mean something to a shell or to AppArmor are written so that they do not', () => {
  const place = { program: '/a b/*usnea', seccomp: "/it's/seccomp.json", seccompText: '' }
  assert.match(profileText('docker', place), /seccomp='\/it'\\''s\/seccomp\.json'/)
  assert.match(profileText('apparmor', place), /profile usnea "\/a b\/\\\*usnea" flags/)
})

test('an unknown name is refused with those that there are', async () => {
  const { status, stderr } = spawnSync(await runtimePath(), ['doctor', '--profile', 'lxc'], { encoding: 'utf8' })
  assert.equal(status, 1)
  assert.match(stderr, /no profile is named "lxc".*docker podman kubernetes seccomp apparmor/)
})

test('no call is allowed twice, and none that reaches the kernel around namespaces', () => {
  assert.deepEqual(
    allowed.filter((name) => added.includes(name)),
    [],
  )
  const never = 'bpf keyctl add_key request_key perf_event_open open_by_handle_at kexec_load init_module userfaultfd'
  assert.deepEqual(
    never.split(' ').filter((name) => [...allowed, ...added].includes(name)),
    [],
  )
})

const skip = needs('python3', 'busybox') ?? whyNot('plain')
const world = skip === undefined ? await openWorld('plain') : undefined
after(() => world?.[Symbol.asyncDispose]())

test('under it a sandbox and a container run, and without any one of the calls that it adds one of them does not', {
  skip: skip ?? false,
}, async () => {
  assert.ok(world)
  const usnea = await runtimePath()
  const bundle = await world.bundle((config) => {
    config.hostname = 'box'
    config.domainname = 'domain'
    config.process.args = ['sleep', '1000']
    // With it a root must not be changed in a weaker way.
    for (const set of ['bounding', 'effective', 'permitted'] as const)
      config.process.capabilities?.[set].push('CAP_SYS_ADMIN')
  })
  const [id, project] = [world.newId(), dirname(world.file('project/file', ''))]
  const command = [usnea, '--root', world.state]
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
  const state = { env: { XDG_STATE_HOME: project } }
  const plays = {
    sandbox: () => [usnea, '--', '/bin/echo', 'ran'],
    try: () => [usnea, 'try', '--dir', join(bundle.path, 'rootfs/etc'), '--backend', 'overlay', '--', '/bin/true'],
    exec: () => [...command, 'exec', id, 'true'],
    create: () => [...command, 'create', '--bundle', bundle.path, world.newId()],
  }
  const run = (play: keyof typeof plays, name: string) =>
    world.run([...filtered(without(name)), ...plays[play]()], state)
  for (const play of Object.keys(plays)) succeeded(await run(play as keyof typeof plays, ''))
  const uses: [keyof typeof plays, string][] = [
    ['sandbox', 'clone mount mount_setattr move_mount open_tree unshare'],
    ['try', 'fsconfig fsmount fsopen'],
    ['exec', 'setns'],
    ['create', 'pivot_root setdomainname sethostname umount2'],
  ]
  assert.deepEqual(uses.flatMap(([, names]) => names.split(' ')).sort(), [...added])
  for (const [play, names] of uses)
    for (const name of names.split(' ')) assert.notEqual((await run(play, name)).status, 0, `${play} without ${name}`)
  await world.clear()
})
