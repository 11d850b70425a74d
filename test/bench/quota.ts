/**
 * `node --import tsx test/bench/quota.ts [PERCENT ...]`: how much of a processor a container gets that wants all of it,
 * beside what its quota says. As root, with the cpu and cpuacct controllers, or cgroup v2. A bench, because it is a clock.
 */
import { spawnSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { openWorld, succeeded } from '../fixtures/world.ts'

const SECONDS = 10
const wanted = process.argv.slice(2).map(Number)

async function measure(percent: number): Promise<number> {
  const world = await openWorld('root')
  const id = world.newId()
  try {
    const bundle = await world.bundle((config) => {
      config.process.args = ['sh', '-c', 'while :; do :; done & while :; do :; done']
      Object.assign(config.linux, { resources: { cpu: { quota: percent * 1000, period: 100_000 } } })
    })
    succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
    const used = async () =>
      Number(JSON.parse(succeeded(await world.usnea(['events', '--stats', id]))).data.cpu.usage.total)
    const [before, began] = [await used(), performance.now()]
    await sleep(SECONDS * 1000)
    const [after, ended] = [await used(), performance.now()]
    return (after - before) / 1e6 / (ended - began)
  } finally {
    await world.usnea(['delete', '--force', id])
    await world[Symbol.asyncDispose]()
  }
}

console.log(`load ${spawnSync('cat', ['/proc/loadavg'], { encoding: 'utf8' }).stdout.trim()}`)
for (const percent of wanted.length > 0 ? wanted : [20, 50]) {
  const got = await measure(percent)
  console.log(`quota ${percent} %: ${(got * 100).toFixed(1)} %, ${((got * 100) / percent).toFixed(3)} of it`)
}
