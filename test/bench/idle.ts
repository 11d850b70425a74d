/** node --import tsx test/bench/idle.ts: what stays in memory while a container sleeps in the foreground. Printed, not judged. */
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { findProgram, makeBundle } from './peers.ts'

const usnea = join(fileURLToPath(new URL('../..', import.meta.url)), 'bin/usnea')
/** Long enough for every runtime to have come to rest, on a busy machine too. */
const REST_MS = 5000

function residentOf(pid: number): string {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    const field = (name: string) => new RegExp(`^${name}:\\s+(\\S+)`, 'm').exec(status)?.[1]
    return `${field('VmRSS')} KiB (${field('Name')})`
  } catch {
    return 'it has ended'
  }
}

async function waiting(name: string, program: string, words: readonly string[]): Promise<void> {
  const child = spawn(program, words, { stdio: ['pipe', 'ignore', 'ignore'] })
  await sleep(REST_MS)
  console.log(`  ${name.padEnd(24)} ${residentOf(child.pid ?? 0)}`)
}

const bundle = makeBundle()
const runtimes = [usnea, findProgram('runc'), findProgram('crun')].flatMap((program) => program ?? [])
try {
  symlinkSync('busybox', join(bundle.rootfs, 'bin/sleep'))
  const config = join(bundle.directory, 'config.json')
  const spec = JSON.parse(readFileSync(config, 'utf8'))
  spec.process.args = ['/bin/sleep', '1000']
  writeFileSync(config, JSON.stringify(spec))
  console.log('resident while a container sleeps')
  for (const program of runtimes) {
    const name = program === usnea ? 'usnea' : (program.split('/').at(-1) ?? '')
    const root = ['--root', bundle.state(name)]
    await waiting(`${name} run`, program, [...root, 'run', '--bundle', bundle.directory, 'idle'])
    await waiting(`${name} exec`, program, [...root, 'exec', 'idle', '/bin/sleep', '1000'])
    spawnSync(program, [...root, 'delete', '--force', 'idle'], { stdio: 'ignore' })
  }
} finally {
  await sleep(1000)
  rmSync(bundle.directory, { recursive: true, force: true })
}
