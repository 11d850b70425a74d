// Needs a static busybox; what is written to /proc while a container is made goes nowhere else.
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { makeDirectory } from '../fixtures/as.ts'
import { type Target, testAttack } from '../fixtures/attack.ts'
import type { Config } from '../fixtures/config.ts'
import { startSwapping } from '../fixtures/swapper.ts'
import { placeVictim } from '../fixtures/victim.ts'

const untouched = 'untouched\n'

let volumes = 0

/** A volume with files that stand where a proc has its own. */
function fakeProc({ world }: Target, files: readonly string[]): string {
  const name = `fake-proc-${++volumes}`
  const path = join(world.identity.home, name)
  makeDirectory(path, 0o755, world.identity.user)
  for (const file of files) world.file(`${name}/${file}`, untouched, 0o666)
  return path
}

const bindOf = (source: string, destination: string) => ({
  destination,
  type: 'bind',
  source,
  options: ['rbind', 'rw'],
})

function settings(config: Config): void {
  config.linux.sysctl = { 'net.ipv4.ip_forward': '1' }
  config.process.oomScoreAdj = 700
  config.linux.maskedPaths = []
  config.linux.readonlyPaths = []
  config.process.args = ['true']
}

const files = [
  'sys/kernel/domainname',
  'self/oom_score_adj',
  'thread-self/attr/exec',
  'kernel/domainname',
  'ip_forward',
]

function changedIn(path: string): string | undefined {
  return files.find((file) => readFileSync(join(path, file), 'utf8') !== untouched)
}

for (const place of ['/proc', '/proc/sys', '/proc/sys/net/ipv4'])
  testAttack({
    class: 'CVE-2025-52881',
    title: `a volume on ${place} takes what is written to settings and labels`,
    attempt: async (target) => {
      const volume = fakeProc(target, files)
      const bundle = await target.bundle((config) => {
        settings(config)
        if (place === '/proc') config.mounts = config.mounts.filter(({ destination }) => destination !== '/proc')
        config.mounts.push(bindOf(volume, place))
      })
      await target.run(bundle)
      return changedIn(volume)
    },
  })

testAttack({
  class: 'CVE-2025-52881',
  title: 'a link of a volume sends a setting to another file of /proc',
  attempt: async (target) => {
    const victim = placeVictim(target.world)
    for (const aim of ['/proc/self/comm', '/etc/target', victim.secret]) {
      const volume = fakeProc(target, [])
      symlinkSync(aim, join(volume, 'ip_forward'))
      const bundle = await target.bundle((config) => {
        settings(config)
        config.mounts.push(bindOf(volume, '/proc/sys/net/ipv4'))
        config.process.args = ['cat', '/etc/target']
      })
      target.world.file(`${bundle.path.split('/').at(-1)}/rootfs/etc/target`, untouched, 0o666)
      const { stdout } = await target.run(bundle)
      victim.assertUntouched()
      if (stdout !== '' && stdout !== untouched) return `${aim}: ${stdout}`
    }
    return undefined
  },
})

testAttack({
  class: 'CVE-2025-52881',
  title: '/proc of a shared root is swapped while settings are written',
  needs: ['python3'],
  tries: { ours: 1, theirs: 3 },
  attempt: async (target) => {
    const bundle = await target.bundle(settings)
    const fake = join(bundle.rootfs, 'fake')
    for (const file of files) {
      mkdirSync(join(fake, file, '..'), { recursive: true })
      target.world.file(`${bundle.path.split('/').at(-1)}/rootfs/fake/${file}`, untouched, 0o666)
    }
    assert.equal((await target.run(bundle)).status, 0)
    await using _ = await startSwapping(target.world, join(bundle.rootfs, 'proc'), fake)
    for (let round = 0; round < 4; round++) await target.run(bundle)
    return [fake, join(bundle.rootfs, 'proc')]
      .map((path) => {
        try {
          return changedIn(path)
        } catch {
          return undefined
        }
      })
      .find((found) => found !== undefined)
  },
})
