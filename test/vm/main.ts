/**
 * `npm run test:vm [-- MACHINE ... FILE ...]`: test files in a Debian with systemd, D-Bus and login sessions, under qemu:
 * as root, and at the same time as a user who has logged in (`--root`, `--user` for one). machines.ts has the machines.
 * Software does it, because a /dev/kvm that is there need not work; USNEA_VM_ACCEL=kvm is for where it does.
 * With `--or-skip` a machine that cannot be had here, or is too slow, is no failure: the reason is printed.
 * A disk is made once, by root, in $USNEA_VM_CACHE or ~/.cache/usnea-vm, and kept; what a run writes is thrown away.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { aptSource } from '../fixtures/debian.ts'
import { findProgram } from '../fixtures/needs.ts'
import { isRoot } from '../fixtures/users.ts'
import { type Machine, machines, usualMachines, type Who } from './machines.ts'

const here = dirname(fileURLToPath(import.meta.url))
const checkout = dirname(dirname(here))
const QEMU = 'qemu-system-x86_64'
/** An emulated machine is 10 to 30 times slower than this one. */
const minutes = Number(process.env.USNEA_VM_MINUTES ?? 10)
const TOO_SLOW = `ended by us, after ${minutes} minutes`

const words = process.argv.slice(2)
const flags = words.filter((word) => word.startsWith('--'))
const named = words.filter((word) => word.endsWith('.ts'))
const asked = words.filter((word) => word in machines)
const unknown = words.filter((word) => !word.startsWith('--') && !word.endsWith('.ts') && !(word in machines))

/** It cannot be had here, which says nothing about the tests. */
class NoMachine extends Error {}

const PROGRAMS = [QEMU, 'debootstrap', 'cpio', 'mke2fs', 'depmod', 'unshare']

/** What goes into the disk is in its name: a change makes a new one. */
function findImage({ packages }: Machine): string {
  const base = process.env.USNEA_VM_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'usnea-vm')
  const source = aptSource()
  if (source === undefined) throw new NoMachine('no mirror in /etc/apt to make a Debian from')
  const hash = createHash('sha256').update(JSON.stringify([source, process.version, packages]))
  for (const name of ['build.sh', 'guest/init', 'guest/agent', 'guest/agent.service'])
    hash.update(readFileSync(join(here, name)))
  const path = join(base, `${source.suite}-${hash.digest('hex').slice(0, 12)}`)
  if (existsSync(join(path, 'root.img'))) return path
  if (!isRoot) throw new NoMachine('making the disk takes root')
  const missing = PROGRAMS.filter((name) => findProgram(name) === undefined)
  if (missing.length > 0) throw new NoMachine(`not installed: ${missing.join(', ')}`)
  console.log(`making the disk of the machine in ${path}, once`)
  const more = packages.map((name) => `,${name}`).join('')
  const args = [join(here, 'build.sh'), path, source.mirror, source.suite, realpathSync(process.execPath), more]
  const { status } = spawnSync('bash', args, { stdio: 'inherit' })
  if (status !== 0) throw new NoMachine('the disk could not be made; see above')
  return path
}

/** The named files, or those of the machine that this user runs. */
function filesOf(machine: Machine, who: Who): string[] {
  const only = flags.includes('--root') ? 'root' : flags.includes('--user') ? 'tester' : who
  if (only !== who) return []
  return named.length > 0 ? named : Object.keys(machine.files).filter((file) => machine.files[file]?.includes(who))
}

/** Both users at once, each in one process: starting Node takes a third of the time. */
function script(machine: Machine): string {
  const node = '/usr/local/bin/node --import tsx --test-reporter=spec test/fixtures/together.mjs'
  const lines = (['root', 'tester'] as const).flatMap((who) => {
    const files = filesOf(machine, who)
    if (files.length === 0) return []
    const run = `${node} ${files.join(' ')}`
    const command = who === 'root' ? run : `su -l tester -c 'cd /checkout && ${run}'`
    return [`{ ${command} 2>&1; echo $? >/run/status-${who}; } | sed -u 's/^/${who}: /' &`]
  })
  return [...lines, 'wait', 'grep -qvx 0 /run/status-* && exit 1', 'exit 0', ''].join('\n')
}

async function boot(from: string, machine: Machine): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'usnea-vm-'))
  try {
    writeFileSync(join(directory, 'run'), script(machine))
    const ended = await emulate(from, directory, machine.boot)
    const status = existsSync(join(directory, 'status')) ? readFileSync(join(directory, 'status'), 'utf8').trim() : ''
    if (/^\d+$/.test(status)) return Number(status)
    const console_ = readFileSync(join(directory, 'console'), 'utf8').split('\n').slice(-15).join('\n')
    console.error(`the machine ended without a status (${ended}); its last words:\n${console_}`)
    if (ended === TOO_SLOW) throw new NoMachine(ended)
    return 1
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

const share = (tag: string, path: string) => [
  '-virtfs',
  `local,path=${path},mount_tag=${tag},security_model=none,readonly=on,multidevs=remap`,
]

function emulate(from: string, directory: string, more: readonly string[]): Promise<string> {
  const args = [
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-smp', '2', '-m', '1536'],
    // What is called AVX in qemu 7.2 is not all there; without la57 a page table has a level less to emulate.
    ...(process.env.USNEA_VM_ACCEL === 'kvm'
      ? ['-accel', 'kvm', '-cpu', 'host']
      : [
          '-accel',
          'tcg,thread=multi',
          '-cpu',
          'max,la57=off,avx=off,avx2=off,f16c=off,fma=off,vaes=off,vpclmulqdq=off',
        ]),
    ...['-kernel', join(from, 'vmlinuz'), '-initrd', join(from, 'initrd')],
    '-append',
    ['console=ttyS0 quiet mitigations=off systemd.show_status=0 panic=-1 norandmaps', ...more].join(' '),
    ...['-drive', `file=${join(from, 'root.img')},format=raw,if=virtio,snapshot=on,cache=unsafe`],
    ...share('checkout', checkout),
    ...share('command', directory),
    ...[
      '-serial',
      `file:${join(directory, 'console')}`,
      '-chardev',
      'stdio,id=out,signal=off',
      '-serial',
      'chardev:out',
    ],
    ...['-serial', `file:${join(directory, 'status')}`],
  ]
  const child = spawn(QEMU, args, { stdio: ['ignore', 'inherit', 'inherit'] })
  const stop = () => void child.kill('SIGKILL')
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, stop)
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    stop()
  }, minutes * 60_000)
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message))
    child.on('close', (status, signal) => {
      clearTimeout(timer)
      resolve(isLate ? TOO_SLOW : `status ${status ?? signal}`)
    })
  })
}

if (unknown.length > 0) {
  console.error(`no such machine: ${unknown.join(', ')} (there are ${Object.keys(machines).join(', ')})`)
  process.exit(1)
}
/** @returns whether its tests passed, or may be passed over. */
async function runMachine(name: string, machine: Machine): Promise<boolean> {
  const began = performance.now()
  console.log(`# ${name}: ${machine.what}`)
  try {
    return (await boot(findImage(machine), machine)) === 0
  } catch (error) {
    if (!(error instanceof NoMachine)) throw error
    console.log(`${flags.includes('--or-skip') ? 'skipped' : 'no machine'}: ${error.message}`)
    return flags.includes('--or-skip')
  } finally {
    console.log(`# ${name}: ${Math.round((performance.now() - began) / 1000)} s`)
  }
}

for (const name of asked.length > 0 ? asked : named.length > 0 ? ['usual'] : usualMachines) {
  const machine = machines[name]
  if (machine !== undefined && !(await runMachine(name, machine))) process.exitCode = 1
}
