/** The programs that are measured beside us, with the same isolation, and a bundle for the runtimes. */
import { spawn } from 'node:child_process'
import { accessSync, constants, copyFileSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { template } from '../../src/spec/template.ts'

/** Rejects on any exit code but 0: a peer that fails quickly is not fast. */
export function spawned(command: string, args: readonly string[], env?: NodeJS.ProcessEnv): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...(env ? { env } : {}) })
    let said = ''
    child.stdout.resume()
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString().slice(0, 500)))
    child.on('error', reject)
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`${command} ended with ${code}: ${said}`))))
  })
}

export function findProgram(name: string): string | undefined {
  const directories = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/usr/bin', '/sbin', '/bin']
  return directories
    .map((directory) => join(directory, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

export interface Peer {
  readonly name: string
  readonly program: string
}

/** The runtimes beside us: runc and crun of the PATH, or those that BENCH_RUNTIMES names, with colons between them. */
export function peerRuntimes(): Peer[] {
  const given = (process.env.BENCH_RUNTIMES ?? '').split(':').filter(Boolean)
  const found = given.length > 0 ? given : ['runc', 'crun'].flatMap((name) => findProgram(name) ?? [])
  return found.map((program) => ({ name: basename(program), program }))
}

/** A step whose container keeps the descriptors it is given. */
export function stepped(command: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'ignore' })
    child.on('error', reject)
    child.on('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`${command} ${args.join(' ')} ended with ${code}`)),
    )
  })
}

/** bwrap with what the sandbox gives by default: all namespaces, read-only root, private places, /dev and /proc. */
export function bwrapArguments(command: readonly string[]): string[] {
  const privates = ['/tmp', '/var/tmp', '/run', homedir()].flatMap((path) => ['--tmpfs', path])
  return ['--unshare-all', '--unshare-user', '--new-session', '--die-with-parent', '--ro-bind', '/', '/', ...privates]
    .concat(['--dev', '/dev', '--proc', '/proc', '--chdir', '/', '--clearenv', '--setenv', 'PATH', '/usr/bin:/bin'])
    .concat(command)
}

export interface BenchBundle {
  readonly directory: string
  /** The same with limits of memory, processor time and processes, as a file beside config.json of its own. */
  readonly limited: string
  readonly rootfs: string
  readonly state: (name: string) => string
}

/** A busybox bundle in a temporary directory; the caller removes it. */
export function makeBundle(): BenchBundle {
  const busybox = findProgram('busybox')
  if (!busybox) throw new Error('busybox-static is needed: apt-get install busybox-static')
  const directory = mkdtempSync(join(tmpdir(), 'usnea-bench-'))
  const rootfs = join(directory, 'rootfs')
  for (const name of ['bin', 'proc', 'sys', 'dev', 'tmp', 'etc']) mkdirSync(join(rootfs, name), { recursive: true })
  copyFileSync(busybox, join(rootfs, 'bin/busybox'))
  symlinkSync('busybox', join(rootfs, 'bin/true'))
  const uid = process.getuid?.() ?? 0
  const base = template({ rootless: uid !== 0, uid, gid: process.getgid?.() ?? 0 })
  // a version that older peers accept too
  const spec = { ...base, ociVersion: '1.0.2', process: { ...base.process, terminal: false, args: ['/bin/true'] } }
  writeFileSync(join(directory, 'config.json'), JSON.stringify(spec))
  const limited = join(directory, 'limited')
  mkdirSync(limited)
  const resources = { memory: { limit: 64 << 20 }, cpu: { quota: 50_000, period: 100_000 }, pids: { limit: 64 } }
  const limits = { ...base.linux?.resources, ...resources }
  const withLimits = { ...spec, root: { path: rootfs, readonly: true }, linux: { ...spec.linux, resources: limits } }
  writeFileSync(join(limited, 'config.json'), JSON.stringify(withLimits))
  return { directory, limited, rootfs, state: (name) => join(directory, `state-${name}`) }
}
