/** What each call of a container's life costs, as an engine makes them, beside the other runtimes. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { quantile } from './measure.ts'
import { type BenchBundle, type Peer, peerRuntimes, stepped } from './peers.ts'

const verbs = ['create', 'start', 'state', 'kill', 'delete'] as const
type Times = Record<(typeof verbs)[number] | 'all five', number[]>

const noTimes = (): Times => ({ create: [], start: [], state: [], kill: [], delete: [], 'all five': [] })

interface Life {
  readonly peer: Peer
  /** Global options besides --root. */
  readonly options: readonly string[]
  readonly times: Times
}

async function live({ peer, options }: Life, { directory, state }: BenchBundle, id: string): Promise<number[]> {
  const globals = [...options, '--root', state(peer.name)]
  const pidFile = join(directory, `${id}.pid`)
  const calls: Record<(typeof verbs)[number], readonly string[]> = {
    create: ['create', '--bundle', join(directory, 'asleep'), '--pid-file', pidFile, id],
    start: ['start', id],
    state: ['state', id],
    kill: ['kill', id, 'KILL'],
    delete: ['delete', id],
  }
  const times: number[] = []
  for (const verb of verbs) {
    if (verb === 'delete') await ended(readFileSync(pidFile, 'utf8'))
    const start = performance.now()
    await stepped(peer.program, [...globals, ...calls[verb]])
    times.push(performance.now() - start)
  }
  return times
}

/** A zombie is for its parent to collect: for runtimes it has ended. */
async function ended(pid: string): Promise<void> {
  const hasEnded = () =>
    !existsSync(`/proc/${pid}/stat`) || / [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\)/s, ''))
  while (!hasEnded()) await sleep(1)
}

function makeSleeper({ directory, rootfs }: BenchBundle): void {
  const spec = JSON.parse(readFileSync(join(directory, 'config.json'), 'utf8')) as {
    process: { args: string[] }
    root: object
  }
  spec.process.args = ['/bin/busybox', 'sleep', '1000']
  mkdirSync(join(directory, 'asleep'))
  spec.root = { path: rootfs, readonly: true }
  writeFileSync(join(directory, 'asleep', 'config.json'), JSON.stringify(spec))
}

/** Whoever cannot do it here is left out, with its own words. */
async function able(lives: readonly Life[], bundle: BenchBundle): Promise<Life[]> {
  const found: Life[] = []
  for (const life of lives)
    try {
      for (const i of [1, 2]) await live(life, bundle, `bench-${process.pid}-warm${i}`)
      found.push(life)
    } catch (error) {
      console.log(`  left out: ${error instanceof Error ? error.message : error}`)
    }
  return found
}

/** In turns, so that what the machine does hits all of them alike. */
async function compare(all: readonly Life[], bundle: BenchBundle, rounds: number): Promise<void> {
  const lives = await able(all, bundle)
  for (let round = 0; round < rounds; round++)
    for (const life of lives) {
      const took = await live(life, bundle, `bench-${process.pid}-f${round}`)
      for (const [i, verb] of verbs.entries()) life.times[verb].push(took[i] ?? Number.NaN)
      life.times['all five'].push(took.reduce((sum, time) => sum + time, 0))
    }
  console.log(`  ${'p50 ms'.padEnd(10)}${lives.map(({ peer }) => peer.name.padStart(18)).join('')}   (ratio to usnea)`)
  for (const call of [...verbs, 'all five'] as const) {
    const p50s = lives.map(({ times }) =>
      quantile(
        times[call].toSorted((a, b) => a - b),
        0.5,
      ),
    )
    const cells = p50s.map((p50) => `${p50.toFixed(2)} (${(p50 / (p50s[0] ?? 1)).toFixed(2)})`.padStart(18))
    console.log(`  ${call.padEnd(10)}${cells.join('')}`)
  }
}

export async function benchVerbs(bundle: BenchBundle, usnea: string, rounds: number): Promise<void> {
  makeSleeper(bundle)
  const all = [{ name: 'usnea', program: usnea }, ...peerRuntimes()]
  const lives = (options: readonly string[], peers: readonly Peer[]) =>
    peers.map((peer): Life => ({ peer, options, times: noTimes() }))
  console.log('\n(f) each call of a life, beside other runtimes')
  await compare(lives([], all), bundle, rounds)
  console.log('  without a cgroup:')
  const withoutRunc = all.filter(({ name }) => !name.startsWith('runc'))
  await compare(lives(['--cgroup-manager=disabled'], withoutRunc), bundle, rounds)
}
