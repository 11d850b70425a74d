// Needs a static busybox, root and python3: a state directory that belongs to somebody else gives its owner no power over us.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import { rounds } from '../fixtures/rounds.ts'
import { type Outcome, refused, succeeded, type World } from '../fixtures/world.ts'

/** Nobody of this machine. */
const OWNER = 424_242
const asRoot = { as: ['root'], needs: ['python3'] } as const

/** A directory of that user, to be given as --root. */
function foreignRoot(world: World): string {
  const root = join(world.identity.home, `foreign-${world.newId()}`)
  mkdirSync(root, { mode: 0o755 })
  chownSync(root, OWNER, OWNER)
  return root
}

const call = (world: World, root: string, words: readonly string[]): Promise<Outcome> =>
  world.usnea(['--root', root, ...words], { noRoot: true, env: { USNEA_QUICK: '0' } })

/** renameat2(2) with RENAME_EXCHANGE as that user, with a moment between that `milliseconds` says. */
async function swapAsOwner(first: string, second: string, milliseconds: number): Promise<ChildProcess> {
  const script = [
    'import ctypes, sys, os, time',
    'libc = ctypes.CDLL(None, use_errno=True)',
    'a, b = [os.fsencode(p) for p in sys.argv[1:3]]',
    'print("swapping", flush=True)',
    'while os.path.lexists(b):',
    '  libc.renameat2(-100, a, -100, b, 2)',
    '  time.sleep(float(sys.argv[3]) / 1000)',
  ].join('\n')
  const argv = ['-c', script, first, second, String(milliseconds)]
  const child = spawn('/usr/bin/python3', argv, {
    uid: OWNER,
    gid: OWNER,
    cwd: '/',
    env: {},
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout as NonNullable<typeof child.stdout>, 'data')
  return child
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

async function created(world: World, root: string): Promise<string> {
  const id = world.newId()
  const bundle = await world.bundle((config) => {
    config.process.args = ['sleep', '1000']
  })
  succeeded(await call(world, root, ['create', '--bundle', bundle.path, id]))
  return id
}

testAs(asRoot, 'a record, a lock or a fifo that somebody else wrote is neither believed nor used', async (world) => {
  const root = foreignRoot(world)
  const id = await created(world, root)
  for (const [file, verb] of [
    ['state.json', 'state'],
    ['state.json', 'kill'],
    ['lock', 'delete'],
    ['exec.fifo', 'start'],
  ] as const) {
    chownSync(join(root, id, file), OWNER, OWNER)
    refused(await call(world, root, [verb, id]), /no container of ours|cannot be started/)
    chownSync(join(root, id, file), 0, 0)
  }
  assert.equal(JSON.parse(succeeded(await call(world, root, ['state', id]))).status, 'created')
  succeeded(await call(world, root, ['delete', id]))
  rmSync(root, { recursive: true })
})

testAs(asRoot, 'no forged record that takes the place of a container for a moment has its hooks run', async (world) => {
  const root = foreignRoot(world)
  const id = await created(world, root)
  const [real, forged, proof] = [join(root, id), join(root, 'forged'), join(world.identity.home, 'proof')]
  cpSync(join(real, 'state.json'), join(root, 'copy'))
  const record = JSON.parse(readFileSync(join(root, 'copy'), 'utf8'))
  const hooks = { poststop: [{ path: '/bin/sh', args: ['sh', '-c', `echo was here >${proof}`] }] }
  mkdirSync(forged, { mode: 0o755 })
  writeFileSync(
    join(forged, 'state.json'),
    JSON.stringify({
      ...record,
      pid: 0,
      bootId: '',
      cgroup: { manager: 'none', reason: '' },
      spec: { ...record.spec, hooks },
    }),
  )
  writeFileSync(join(forged, 'lock'), '')
  for (const path of [forged, join(forged, 'state.json'), join(forged, 'lock')]) chownSync(path, OWNER, OWNER)
  const swapper = await swapAsOwner(real, forged, 0.02)
  try {
    for (let round = 0; round < rounds(5) && existsSync(forged); round++)
      await call(world, root, ['delete', '--force', id])
  } finally {
    await stop(swapper)
  }
  assert.ok(!existsSync(proof), 'a hook of the forged record was run')
  for (const name of [id, 'forged']) await call(world, root, ['delete', '--force', name])
  // Whichever of the two was taken away, the process of the real one is ours to end.
  const pid = record.pid as number
  if (existsSync(`/proc/${pid}`)) process.kill(pid, 'SIGKILL')
  rmSync(root, { recursive: true, force: true })
})

testAs(asRoot, 'what a killed delete left is swept without following a link that takes its place', async (world) => {
  const root = foreignRoot(world)
  const [left, link, victim] = [join(root, '#removed-x'), join(root, 'link'), join(world.identity.home, 'precious')]
  const names = Array.from({ length: 1200 }, (_, n) => `file-${n}`)
  mkdirSync(victim)
  for (const name of names) writeFileSync(join(victim, name), '')
  for (let round = 0; round < rounds(1); round++) {
    mkdirSync(left)
    for (const name of names) writeFileSync(join(left, name), '')
    chownSync(left, OWNER, OWNER)
    symlinkSync(victim, link)
    const swapper = await swapAsOwner(left, link, 0.2)
    try {
      await call(world, root, ['delete', 'nobody'])
    } finally {
      await stop(swapper)
    }
    assert.equal(readdirSync(victim).length, names.length)
    rmSync(root, { recursive: true })
    mkdirSync(root, { mode: 0o755 })
    chownSync(root, OWNER, OWNER)
  }
  for (const path of [root, victim]) rmSync(path, { recursive: true })
})
