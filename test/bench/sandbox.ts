/**
 * The sandbox from a program: one run at a time, many at once, and what those that wait cost. Beside bwrap with the same
 * isolation and a plain spawn. node --import tsx test/bench/sandbox.ts, and part of npm run bench. Printed, not judged.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { type Contender, latency, printLatency, throughput } from './measure.ts'
import { bwrapArguments, findProgram, spawned } from './peers.ts'

type Library = typeof import('../../src/index.ts')

/** As many as commands run at once: else the pool is empty most of the time. */
const widths = [1, 8, 64]

function contenders({ sandbox }: Library, warm: number): { boxes: AsyncDisposable[]; all: Contender[] } {
  const boxes = [sandbox({ cwd: '/' }), sandbox({ cwd: '/' }, { warm })]
  const [cold, ready] = boxes
  const bwrap = findProgram('bwrap')
  const peer: Contender[] = bwrap
    ? [{ name: 'child_process.spawn of bwrap', run: () => spawned(bwrap, bwrapArguments(['/bin/true'])) }]
    : []
  const all: Contender[] = [
    { name: 'child_process.spawn, no sandbox', run: () => spawned('/bin/true', []) },
    { name: 'usnea, warm', run: async () => ready?.run(['/bin/true']) },
    { name: 'usnea, cold', run: async () => cold?.run(['/bin/true']) },
    ...peer,
  ]
  return { boxes, all }
}

async function one(library: Library, rounds: number): Promise<void> {
  const { boxes, all } = contenders(library, 4)
  printLatency('(a) in-process, /bin/true, all namespaces', await latency(all, rounds), all[0]?.name ?? '')
  for (const box of boxes) await box[Symbol.asyncDispose]()
}

async function many(library: Library, rounds: number): Promise<void> {
  for (const width of widths) {
    const { boxes, all } = contenders(library, Math.max(4, width))
    const rates = await throughput(all, { width, count: Math.max(rounds, width * 4), blocks: 3 })
    const base = rates.get(all[0]?.name ?? '') ?? Number.NaN
    console.log(`\n(b) concurrency ${width}, runs a second`)
    for (const [name, rate] of rates)
      console.log(`  ${name.padEnd(34)} ${rate.toFixed(0).padStart(8)}   ratio ${(rate / base).toFixed(2)}`)
    for (const box of boxes) await box[Symbol.asyncDispose]()
  }
}

/** Proportional set size, proc_pid_smaps_rollup(5), in KiB. */
function proportional(pid: string): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  return Number(/^Pss:\s+(\d+)/m.exec(text)?.[1])
}

async function memory({ sandbox }: Library): Promise<void> {
  await using box = sandbox({ cwd: '/' }, { warm: 50 })
  await box.ready()
  const children = readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false
    try {
      return (
        Number(
          readFileSync(`/proc/${name}/stat`, 'utf8')
            .replace(/^.*\) . /, '')
            .split(' ')[0],
        ) === process.pid
      )
    } catch {
      return false // it ended while we looked
    }
  })
  const sizes = children.map(proportional).sort((a, b) => a - b)
  console.log(`\nmemory of one that waits (PSS, median of ${sizes.length}): ${sizes[Math.floor(sizes.length / 2)]} KiB`)
}

export async function benchSandbox(library: Library, rounds: number): Promise<void> {
  await one(library, rounds)
  await many(library, rounds)
  await memory(library)
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const library = (await import('../../dist/lib/index.js' as string)) as Library
  await benchSandbox(library, Number(process.env.BENCH_ROUNDS ?? 200))
}
