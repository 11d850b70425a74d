/**
 * node --import tsx test/bench/checkpoint.ts: a sleeping container goes into files and comes back, beside runc. Root, and a
 * criu that works: USNEA_TEST_CRIU names one that is not installed, BENCH_RUNC another runc than that of the PATH.
 */
import { spawn } from 'node:child_process'
import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Figures, printLatency, quantile } from './measure.ts'
import { findProgram, makeBundle } from './peers.ts'

const usnea = fileURLToPath(new URL('../../bin/usnea', import.meta.url))
const rounds = Number(process.env.BENCH_ROUNDS ?? 20)
const criu = process.env.USNEA_TEST_CRIU ?? findProgram('criu')
if (criu === undefined) throw new Error('criu is needed')
const env = { ...process.env, PATH: `${dirname(criu)}:${process.env.PATH}` }
const bundle = makeBundle()
const config = join(bundle.directory, 'config.json')
const spec = JSON.parse(readFileSync(config, 'utf8'))
spec.process.args = ['/bin/sleep', '1000']
writeFileSync(config, JSON.stringify(spec))
symlinkSync('busybox', join(bundle.rootfs, 'bin/sleep'))

/** /dev/null, because runc cannot leave another file or a socket of ours out of an image. @returns milliseconds */
function timed(program: string, args: readonly string[]): Promise<number> {
  const start = performance.now()
  const child = spawn(program, args, { env, stdio: 'ignore', cwd: bundle.directory })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code) => {
      const time = performance.now() - start
      if (code === 0) resolve(time)
      else reject(new Error(`${program} ${args.join(' ')} ended with ${code}`))
    })
  })
}

const peer = process.env.BENCH_RUNC ?? findProgram('runc')
const contenders = [{ name: 'usnea', program: usnea }, ...(peer === undefined ? [] : [{ name: 'runc', program: peer }])]
const times = new Map<string, number[]>()
const note = (name: string, time: number) => times.set(name, [...(times.get(name) ?? []), time])

/** Takes the container away that is there. */
let open: (() => Promise<number>) | undefined

try {
  for (let round = -2; round < rounds; round++)
    for (const { name, program } of contenders) {
      const [id, image] = [`bench-${process.pid}-${round + 2}`, join(bundle.directory, `image-${name}`)]
      const call = (verb: string, ...args: string[]) =>
        timed(program, ['--root', bundle.state(name), verb, ...args, id])
      open = () => call('delete', '--force')
      await call('run', '--detach')
      const saved = await call('checkpoint', '--image-path', image)
      const back = await call('restore', '--detach', '--image-path', image)
      await open()
      open = undefined
      if (round < 0) continue
      note(`${name} checkpoint`, saved)
      note(`${name} restore --detach`, back)
    }
} finally {
  await open?.().catch(() => {})
  rmSync(bundle.directory, { recursive: true, force: true })
}

for (const verb of ['checkpoint', 'restore --detach']) {
  const figures = contenders.map(({ name }): Figures => {
    const sorted = (times.get(`${name} ${verb}`) ?? []).toSorted((a, b) => a - b)
    return { name: `${name} ${verb}`, p50: quantile(sorted, 0.5), p95: quantile(sorted, 0.95) }
  })
  printLatency(`${verb}, ${rounds} rounds`, figures, figures.at(-1)?.name ?? '')
}
