/**
 * npm run bench: p50, p95 and ratios of one run, printed and not judged. What is missing on the machine is left out and
 * named. The sandbox comes from dist, as a program that installed the package would load it.
 */
import { rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, release } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Contender, type Figures, latency, printLatency } from './measure.ts'
import { type BenchBundle, findProgram, makeBundle, type Peer, peerRuntimes, spawned, stepped } from './peers.ts'
import { benchSandbox } from './sandbox.ts'
import { benchVerbs } from './verbs.ts'

const top = fileURLToPath(new URL('../..', import.meta.url))
const usnea = join(top, 'bin/usnea')
const rounds = Number(process.env.BENCH_ROUNDS ?? 200)
const bwrap = findProgram('bwrap')

type Library = typeof import('../../src/index.ts')

/** Left out with its own words when it cannot run the bundle here. */
async function works(contender: Contender): Promise<boolean> {
  try {
    await contender.run()
    return true
  } catch (error) {
    console.log(`  left out: ${contender.name}: ${error instanceof Error ? error.message.split('\n')[0] : error}`)
    return false
  }
}

async function wholeProcess(bundle: BenchBundle, empty: Contender): Promise<void> {
  console.log('\n(c) whole process, busybox bundle')
  let count = 0
  const next = () => `bench-${process.pid}-${count++}`
  const run = (program: string, name: string): Contender => ({
    name: `${name} run`,
    run: () => spawned(program, ['--root', bundle.state(name), 'run', '--bundle', bundle.directory, next()]),
  })
  const peers = peerRuntimes().map(({ name, program }) => run(program, name))
  if (bwrap)
    peers.push({
      name: 'bwrap with the same root',
      run: () =>
        spawned(bwrap, [
          '--unshare-all',
          '--bind',
          bundle.rootfs,
          '/',
          '--dev',
          '/dev',
          '--proc',
          '/proc',
          '/bin/true',
        ]),
    })
  const usable: Contender[] = []
  for (const contender of [run(usnea, 'usnea'), ...peers]) if (await works(contender)) usable.push(contender)
  const figures = await latency([empty, ...usable], Math.round(rounds / 4))
  printLatency('', figures, empty.name)
  over(figures, 'usnea run', empty.name)
}

/** As an engine does it, in three calls; as root, because limits of cgroup v1 are root's. */
async function limits(bundle: BenchBundle): Promise<void> {
  console.log('\n(e) create, start and delete, with and without limits of a cgroup')
  if (process.getuid?.() !== 0) return console.log('  left out: needs root')
  let count = 0
  const lifecycle = ({ name, program }: Peer, directory: string, title: string): Contender => ({
    name: `${name} ${title}`,
    run: async () => {
      const [root, id] = [['--root', bundle.state(name)], `bench-${process.pid}-e${count++}`]
      await stepped(program, [...root, 'create', '--bundle', directory, id])
      await stepped(program, [...root, 'start', id])
      await stepped(program, [...root, 'delete', '--force', id])
    },
  })
  const usable: Contender[] = []
  for (const peer of [{ name: 'usnea', program: usnea }, ...peerRuntimes()])
    for (const contender of [
      lifecycle(peer, bundle.directory, 'without'),
      lifecycle(peer, bundle.limited, 'with limits'),
    ])
      if (await works(contender)) usable.push(contender)
  const figures = await latency(usable, Math.round(rounds / 8))
  printLatency('', figures, usable[0]?.name ?? '')
}

function over(figures: readonly Figures[], name: string, base: string): void {
  const [own, other] = [name, base].map((wanted) => figures.find((figure) => figure.name === wanted)?.p50 ?? Number.NaN)
  console.log(`  ${name} is ${((own ?? 0) - (other ?? 0)).toFixed(1)} ms over ${base}`)
}

async function startUp(empty: Contender): Promise<void> {
  const version: Contender = { name: 'usnea --version', run: () => spawned(usnea, ['--version']) }
  const figures = await latency([empty, version], Math.round(rounds / 4))
  printLatency('(d) start-up of the command line', figures, empty.name)
  over(figures, version.name, empty.name)
}

console.log(
  `Node ${process.version}, Linux ${release()}, ${availableParallelism()} processors, ${rounds} rounds, uid ${process.getuid?.()}`,
)
const bundle = makeBundle()
try {
  const script = join(bundle.directory, 'empty.mjs')
  writeFileSync(script, '')
  const empty: Contender = { name: 'an empty script of this Node', run: () => spawned(process.execPath, [script]) }
  await benchSandbox((await import('../../dist/lib/index.js' as string)) as Library, rounds)
  await wholeProcess(bundle, empty)
  await startUp(empty)
  await limits(bundle)
  await benchVerbs(bundle, usnea, Math.round(rounds / 8))
} finally {
  rmSync(bundle.directory, { recursive: true, force: true })
}
