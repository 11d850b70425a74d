// Needs a static busybox: links in the image on every path that is mounted, masked, created or made lead nowhere outside.

import assert from 'node:assert/strict'
import { mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import type { Config } from '../fixtures/config.ts'
import { placeVictim } from '../fixtures/victim.ts'
import { type Outcome, succeeded, type World } from '../fixtures/world.ts'

/** Ways to write a link that would lead to `target` if it were followed on the host. */
const spellings: Record<string, (target: string) => string> = {
  'an absolute link': (target) => target,
  'a link with many dots': (target) => `${'../'.repeat(30)}${target.slice(1)}`,
  'a link through /proc/self/root': (target) => `/proc/self/root${target}`,
  'a link through /proc/1/cwd': (target) => `/proc/1/cwd${target}`,
}

interface Attack {
  /** Where in the root file system the link lies. */
  readonly link: string
  /** Aim at the full directory, the empty one, a file, or something that does not exist yet. */
  readonly aim: 'full' | 'empty' | 'secret' | 'new' | 'new/deeper'
  readonly patch?: (config: Config) => void
  /** Takes mounts away that others need. */
  readonly apart?: true
}

const mounting =
  (destination: string, type = 'tmpfs') =>
  (config: Config) =>
    void config.mounts.push({
      destination,
      type,
      source: type === 'bind' ? '/etc/passwd' : type,
      ...(type === 'bind' ? { options: ['bind'] } : {}),
    })

const device = (path: string) => (config: Config) => {
  config.linux.devices = [...(config.linux.devices ?? []), { path, type: 'c', major: 1, minor: 3, fileMode: 0o666 }]
}

const noMounts = (config: Config) => {
  config.mounts = []
  config.linux.maskedPaths = []
  config.linux.readonlyPaths = []
}

const attacks: Record<string, Attack> = {
  '/proc': { link: 'proc', aim: 'full' },
  '/sys': { link: 'sys', aim: 'full' },
  '/dev': { link: 'dev', aim: 'full' },
  '/dev without a mount of its own': { link: 'dev', aim: 'empty', patch: noMounts, apart: true },
  'a new /dev without a mount of its own': { link: 'dev', aim: 'new', patch: noMounts, apart: true },
  '/dev/pts': {
    link: 'dev/pts',
    aim: 'full',
    apart: true,
    patch: (config) => {
      config.mounts = config.mounts.filter(({ destination }) => destination !== '/dev')
    },
  },
  '/dev/shm': {
    link: 'dev/shm',
    aim: 'empty',
    apart: true,
    patch: (config) => {
      config.mounts = config.mounts.filter(({ destination }) => destination !== '/dev')
    },
  },
  'a directory that is mounted on': { link: 'mnt/here', aim: 'full', patch: mounting('/mnt/here') },
  'a parent of what is mounted on': { link: 'mnt/up', aim: 'full', patch: mounting('/mnt/up/below') },
  'a directory that would be made for a mount': { link: 'mnt/fresh', aim: 'new', patch: mounting('/mnt/fresh') },
  'directories that would be made for a mount': {
    link: 'mnt/deep',
    aim: 'new/deeper',
    patch: mounting('/mnt/deep/and/deeper'),
  },
  'a file that is bound on': { link: 'etc/hosts', aim: 'secret', patch: mounting('/etc/hosts', 'bind') },
  'a file that would be made for a bind': { link: 'etc/fresh', aim: 'new', patch: mounting('/etc/fresh', 'bind') },
  'the parent of a file that would be made': { link: 'etc/up', aim: 'empty', patch: mounting('/etc/up/fresh', 'bind') },
  'a masked file': {
    link: 'etc/masked',
    aim: 'secret',
    patch: (config) => void config.linux.maskedPaths.push('/etc/masked'),
  },
  'a masked directory': {
    link: 'etc/masked',
    aim: 'full',
    patch: (config) => void config.linux.maskedPaths.push('/etc/masked'),
  },
  'a read-only path': {
    link: 'etc/kept',
    aim: 'full',
    patch: (config) => void config.linux.readonlyPaths.push('/etc/kept'),
  },
  'a device': { link: 'mnt/device', aim: 'new', patch: device('/mnt/device') },
  'a device that exists': { link: 'mnt/device', aim: 'secret', patch: device('/mnt/device') },
  'the parent of a device': { link: 'mnt/devices', aim: 'empty', patch: device('/mnt/devices/null') },
  'the working directory': {
    link: 'home/work',
    aim: 'new',
    patch: (config) => {
      config.process.cwd = '/home/work'
    },
  },
  'a parent of the working directory': {
    link: 'home/work',
    aim: 'empty',
    patch: (config) => {
      config.process.cwd = '/home/work/a/b'
    },
  },
}

for (const [index, [place, attack]] of Object.entries(attacks).entries()) {
  testAs({}, `a link on ${place} changes nothing outside and shows nothing of it`, async (world) => {
    // Every place meets the plain spelling and one of the others.
    const others = Object.keys(spellings).slice(1)
    for (const spelling of ['an absolute link', others[index % others.length] ?? ''])
      await tryLink(world, { attack, spelling })
  })
}

const program = ({ link }: Attack) => [
  '/bin/sh',
  '-c',
  `ls -laR /${link} /${link}/ 2>/dev/null; cat /${link} /${link}/secret 2>/dev/null; true`,
]

/** Without the link the same configuration runs, so a refusal is about the link. */
async function control(world: World, patches: readonly Attack['patch'][]): Promise<void> {
  const bundle = await world.bundle((config) => {
    config.process.args = ['true']
    for (const patch of patches) patch?.(config)
  })
  succeeded(await world.usnea(['run', '--bundle', bundle.path, world.newId()]))
}

testAs({}, 'without links all these configurations run', async (world) => {
  const all = Object.values(attacks)
  await control(
    world,
    all.filter(({ apart }) => apart === undefined).map(({ patch }) => patch),
  )
  for (const { patch } of all.filter(({ apart }) => apart === true)) await control(world, [patch])
})

async function tryLink(world: World, { attack, spelling }: { attack: Attack; spelling: string }): Promise<void> {
  const victim = placeVictim(world)
  const bundle = await world.bundle((config) => {
    config.process.args = program(attack)
    attack.patch?.(config)
  })
  const link = join(bundle.rootfs, attack.link)
  rmSync(link, { recursive: true, force: true })
  mkdirSync(join(link, '..'), { recursive: true })
  symlinkSync(spellings[spelling]?.(join(victim.path, attack.aim)) ?? '', link)
  assertHarmless(await world.usnea(['run', '--bundle', bundle.path, world.newId()]), spelling)
  victim.assertUntouched()
  await world.nothingLeft()
}

/** Refused with one line, or run without a sight of the host. */
function assertHarmless({ status, stdout, stderr }: Outcome, spelling: string): void {
  assert.ok(status === 0 || status === 1, `${spelling}: ended with ${status}\n${stderr}`)
  assert.doesNotMatch(stdout, /secret of the host/, spelling)
}
