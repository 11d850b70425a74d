/** Timing without verdicts: contenders take turns in one run, so that what the machine does hits all of them alike. */
export interface Contender {
  readonly name: string
  readonly run: () => Promise<unknown>
}

export interface Figures {
  readonly name: string
  /** Milliseconds. */
  readonly p50: number
  readonly p95: number
}

export function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN
}

/** `rounds` times each, in turn, after a warm-up. */
export async function latency(contenders: readonly Contender[], rounds: number): Promise<Figures[]> {
  const times = new Map(contenders.map(({ name }) => [name, [] as number[]]))
  const warmup = Math.max(3, Math.round(rounds / 10))
  for (let round = -warmup; round < rounds; round++)
    for (const { name, run } of contenders) {
      const start = performance.now()
      await run()
      if (round >= 0) times.get(name)?.push(performance.now() - start)
    }
  return [...times].map(([name, list]) => {
    const sorted = list.toSorted((a, b) => a - b)
    return { name, p50: quantile(sorted, 0.5), p95: quantile(sorted, 0.95) }
  })
}

/** Runs a second with `width` at once; the median of several blocks that take turns. */
export async function throughput(
  contenders: readonly Contender[],
  { width, count, blocks }: Load,
): Promise<Map<string, number>> {
  const rates = new Map(contenders.map(({ name }) => [name, [] as number[]]))
  for (let block = 0; block < blocks; block++)
    for (const { name, run } of contenders) {
      const start = performance.now()
      let left = count
      await Promise.all(
        Array.from({ length: width }, async () => {
          while (left-- > 0) await run()
        }),
      )
      rates.get(name)?.push((count * 1000) / (performance.now() - start))
    }
  return new Map(
    [...rates].map(([name, list]) => [
      name,
      quantile(
        list.toSorted((a, b) => a - b),
        0.5,
      ),
    ]),
  )
}

export interface Load {
  readonly width: number
  readonly count: number
  readonly blocks: number
}

/** A table with the ratio of each row to the first one of the same name. */
export function printLatency(title: string, figures: readonly Figures[], baseline: string): void {
  const base = figures.find(({ name }) => name === baseline)?.p50 ?? Number.NaN
  console.log(`\n${title}`)
  console.log(`  ${'what'.padEnd(34)} ${'p50 ms'.padStart(8)} ${'p95 ms'.padStart(8)}   ratio to ${baseline}`)
  for (const { name, p50, p95 } of figures)
    console.log(
      `  ${name.padEnd(34)} ${p50.toFixed(2).padStart(8)} ${p95.toFixed(2).padStart(8)}   ${(p50 / base).toFixed(2)}`,
    )
}
