/** node --import tsx test/bench/idle.ts: what stays in memory while a container sleeps in the foreground. Printed, not judged. */
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { findProgram, makeBundle, peerRuntimes } from './peers.ts'

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
const runtimes = [{ name: 'usnea', program: usnea }, ...peerRuntimes()]

/** What an engine keeps for a detached container: conmon, and nothing of the runtime. */
async function detached(rootfs: string, directory: string): Promise<void> {
  const [podman, conmon] = [findProgram('podman'), findProgram('conmon')]
  if (!podman || !conmon) return console.log('  left out: podman and conmon are not here')
  const places = ['--root', join(directory, 'store'), '--runroot', join(directory, 'run'), '--runtime', usnea]
  const quiet = ['--cgroup-manager', 'cgroupfs', '--events-backend', 'file', '--storage-driver', 'vfs']
  // podman asks for more open files than a root without CAP_SYS_RESOURCE may have.
  const settings = join(directory, 'containers.conf')
  writeFileSync(settings, '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]\n')
  const env = { ...process.env, CONTAINERS_CONF: settings }
  const podmanWith = (...words: string[]) =>
    spawnSync(podman, [...places, ...quiet, ...words], { encoding: 'utf8', env })
  const name = `idle-${process.pid}`
  const run = podmanWith('run', '-d', '--name', name, '--network', 'none', '--rootfs', rootfs, '/bin/sleep', '1000')
  await sleep(REST_MS)
  const pid = Number(podmanWith('inspect', '--format', '{{.State.ConmonPid}}', name).stdout)
  if (pid > 0) console.log(`  ${'conmon of podman run -d'.padEnd(24)} ${residentOf(pid)}`)
  else console.log(`  left out: podman: ${run.stderr.trim().split('\n').at(-1)}`)
  podmanWith('rm', '--force', '--time', '0', name)
}
try {
  symlinkSync('busybox', join(bundle.rootfs, 'bin/sleep'))
  const config = join(bundle.directory, 'config.json')
  const spec = JSON.parse(readFileSync(config, 'utf8'))
  spec.process.args = ['/bin/sleep', '1000']
  writeFileSync(config, JSON.stringify(spec))
  console.log('resident while a container sleeps')
  for (const { name, program } of runtimes) {
    const root = ['--root', bundle.state(name)]
    await waiting(`${name} run`, program, [...root, 'run', '--bundle', bundle.directory, 'idle'])
    await waiting(`${name} exec`, program, [...root, 'exec', 'idle', '/bin/sleep', '1000'])
    spawnSync(program, [...root, 'delete', '--force', 'idle'], { stdio: 'ignore' })
  }
  await detached(bundle.rootfs, bundle.directory)
} finally {
  await sleep(1000)
  rmSync(bundle.directory, { recursive: true, force: true })
}
