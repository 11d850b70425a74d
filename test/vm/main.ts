/**
 * `npm run test:vm [FILE ...]`: test files in a Debian with systemd, D-Bus, cgroup v2 and login sessions, under qemu: as
 * root, and as a user who has logged in. Without files those of test/vm. `npm run test:vm -- --root|--user …` for one only.
 * Software does it, because a /dev/kvm that is there need not work; USNEA_VM_ACCEL=kvm is for where it does.
 * The disk is made once, by root, in $USNEA_VM_CACHE or ~/.cache/usnea-vm, and kept; what a run writes is thrown away.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { aptSource } from '../fixtures/debian.ts'

const here = dirname(fileURLToPath(import.meta.url))
const checkout = dirname(dirname(here))
const QEMU = 'qemu-system-x86_64'
/** An emulated machine is 10 to 30 times slower than this one. */
const minutes = Number(process.env.USNEA_VM_MINUTES ?? 10)

const words = process.argv.slice(2)
const named = words.filter((word) => word.endsWith('.ts'))
const files =
  named.length > 0
    ? named
    : readdirSync(here)
        .filter((name) => name.endsWith('.test.ts'))
        .map((name) => `test/vm/${name}`)
const users = (['root', 'tester'] as const).filter((user) => {
  const one = ['--root', '--user'].find((word) => words.includes(word))
  return one === undefined || (one === '--root') === (user === 'root')
})

/** What goes into the disk is in its name: a change makes a new one. */
function findImage(): string {
  const base = process.env.USNEA_VM_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'usnea-vm')
  const source = aptSource()
  if (source === undefined) throw new Error('no mirror in /etc/apt to make a Debian from')
  const hash = createHash('sha256').update(JSON.stringify([source, process.version]))
  for (const name of ['build.sh', 'guest/init', 'guest/agent', 'guest/agent.service'])
    hash.update(readFileSync(join(here, name)))
  const path = join(base, `${source.suite}-${hash.digest('hex').slice(0, 12)}`)
  if (existsSync(join(path, 'root.img'))) return path
  console.log(`making the disk of the machine in ${path}, once`)
  const args = [join(here, 'build.sh'), path, source.mirror, source.suite, realpathSync(process.execPath)]
  const { status } = spawnSync('bash', args, { stdio: 'inherit' })
  if (status !== 0)
    throw new Error(
      'the disk could not be made (it takes root, debootstrap, kmod, cpio, e2fsprogs and qemu-system-x86)',
    )
  return path
}

/** One file after the other, as each user; the worst status counts. */
function script(): string {
  const run = (file: string) => `/usr/local/bin/node --import tsx --test --test-reporter=spec ${file}`
  const lines = users.flatMap((user) =>
    files.map((file) => {
      const command = user === 'root' ? run(file) : `su -l tester -c 'cd /checkout && ${run(file)}'`
      return `echo '# ${file} as ${user}'; ${command} || worst=1`
    }),
  )
  return ['worst=0', ...lines, 'exit $worst', ''].join('\n')
}

async function boot(from: string, text: string): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'usnea-vm-'))
  try {
    writeFileSync(join(directory, 'run'), text)
    const ended = await emulate(from, directory)
    const status = existsSync(join(directory, 'status')) ? readFileSync(join(directory, 'status'), 'utf8').trim() : ''
    if (/^\d+$/.test(status)) return Number(status)
    const console_ = readFileSync(join(directory, 'console'), 'utf8').split('\n').slice(-15).join('\n')
    console.error(`the machine ended without a status (${ended}); its last words:\n${console_}`)
    return 1
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

const share = (tag: string, path: string) => [
  '-virtfs',
  `local,path=${path},mount_tag=${tag},security_model=none,readonly=on,multidevs=remap`,
]

function emulate(from: string, directory: string): Promise<string> {
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
    ...['-append', 'console=ttyS0 quiet mitigations=off systemd.show_status=0 panic=-1 norandmaps'],
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
  const timer = setTimeout(stop, minutes * 60_000)
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message))
    child.on('close', (status, signal) => {
      clearTimeout(timer)
      resolve(
        signal === 'SIGKILL' ? `ended by us, after ${minutes} minutes or by a signal` : `status ${status ?? signal}`,
      )
    })
  })
}

process.exitCode = await boot(findImage(), script())
