// Needs root, dockerd with its client and containerd, runc, a static busybox, unshare and python3.
import assert from 'node:assert/strict'
import { readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { whyNot } from '../fixtures/as.ts'
import { type Docker, openDocker, playOn } from '../fixtures/docker.ts'
import { imageName } from '../fixtures/image.ts'
import { runtimePath } from '../fixtures/install.ts'
import { entries, needs } from '../fixtures/needs.ts'
import { allProcesses, mentions } from '../fixtures/processes.ts'
import { until } from '../fixtures/until.ts'
import { plays } from './docker-plays.ts'

const skip = needs('dockerd', 'docker', 'containerd', 'busybox', 'unshare', 'python3') ?? whyNot('root')

interface Daemons {
  readonly usnea: Docker
  readonly runc: Docker
}

/** One with our shim, one with containerd's. */
async function open(): Promise<Daemons> {
  const shim = join(await runtimePath(), '../containerd-shim-usnea-v2')
  const [usnea, runc] = await Promise.all([openDocker({ shim }), openDocker()])
  return { usnea, runc }
}

const daemons = skip === undefined ? await open() : undefined
after(async () => {
  await daemons?.usnea[Symbol.asyncDispose]()
  await daemons?.runc[Symbol.asyncDispose]()
})
const why = skip ?? daemons?.usnea.unable ?? daemons?.runc.unable

for (const { title, by } of plays.filter(({ isOfRuntime }) => !isOfRuntime)) {
  test(`docker with our shim: ${title}`, { skip: why }, () => daemons && playOn(daemons, by))
}

function shimsOf({ world }: Docker): string[] {
  const ours = allProcesses().filter(({ pid }) => pid !== process.pid && mentions(pid, world.identity.home))
  return ours.flatMap(({ pid }) => {
    try {
      return /shim/.test(readlinkSync(`/proc/${pid}/exe`)) ? [readlinkSync(`/proc/${pid}/exe`)] : []
    } catch {
      return [] // It has ended in the meantime.
    }
  })
}

test('docker with our shim: it is our shim that holds a container, and it goes with it', { skip: why }, async () => {
  assert.ok(daemons)
  const { usnea } = daemons
  const { stdout } = await usnea.unnoted(['run', '--detach', '--network', 'none', imageName, 'sleep', '1000'])
  assert.match(shimsOf(usnea).join(), /\/usnea-shim$/)
  await usnea.unnoted(['rm', '--force', stdout.trim()])
  await until('the shim has ended', () => shimsOf(usnea).length === 0)
  await until('docker has forgotten all', () => entries(usnea.state).length === 0)
})
