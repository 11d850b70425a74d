/**
 * Where one file of a suite runs: pid, mount, network and cgroup namespaces of its own, with a cgroup of its own in
 * every hierarchy, so that whatever it leaves behind ends with it and nothing of the machine is touched.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { hierarchies, removeCgroups } from '../fixtures/cgroup-tree.ts'
import { atEnd } from '../fixtures/run-directory.ts'
import type { User } from '../fixtures/users.ts'
import type { Plan } from './suite.ts'

export interface Wish {
  readonly plan: Plan
  readonly user: User | undefined
  readonly env: Readonly<Record<string, string>>
  /** The file that gets everything the suite's file says. */
  readonly log: string
  /** Seconds without a word after which the file counts as hanging. */
  readonly patience: number
}

/** Runs a file to its end. Returns why it did not get there by itself, or undefined. */
export async function runInRoom({ plan, user, env, log, patience }: Wish): Promise<string | undefined> {
  const cgroup = `usnea-suite-${process.pid}`
  try {
    makeCgroups(cgroup)
    const inside = ['sh', '-ec', insideScript(cgroup, plan.propagation), 'sh', ...program(plan, user)]
    const output = openSync(log, 'w')
    const [file = '', ...args] = [...enter(cgroup), ...namespaces, ...inside]
    const child = spawn(file, args, { cwd: plan.cwd, env: { ...env, ...plan.env }, stdio: ['pipe', output, output] })
    closeSync(output)
    interrupted = () => child.kill('SIGKILL')
    return await endOf(child, log, patience)
  } finally {
    await clear(cgroup)
    interrupted = undefined
  }
}

/** Ends the file that runs, for a runner that is interrupted itself. */
let interrupted: (() => void) | undefined
atEnd(() => {
  if (interrupted === undefined) return
  interrupted()
  for (let attempt = 0; attempt < 50 && clearOnce(`usnea-suite-${process.pid}`).length > 0; attempt++)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100)
})

async function endOf(child: ChildProcess, log: string, patience: number): Promise<string | undefined> {
  let end: { readonly why: string | undefined } | undefined
  child.on('exit', (_, signal) => {
    end = { why: signal === null ? undefined : `ended by ${signal}` }
  })
  child.on('error', (error) => {
    end = { why: error.message }
  })
  // Held open: a terminal whose input ends hangs up.
  child.stdin?.on('error', () => {})
  for (let quiet = Date.now(), size = -1; end === undefined; await sleep(200)) {
    const now = statSync(log).size
    if (now !== size) quiet = Date.now()
    size = now
    if (Date.now() - quiet < patience * 1000) continue
    child.kill('SIGKILL')
    return `said nothing for ${patience} s`
  }
  child.stdin?.end()
  return end.why
}

/** Hierarchies of version 1 give a new cpuset nothing, and nothing runs in it then. */
function makeCgroups(name: string): void {
  for (const path of hierarchies()) {
    mkdirSync(join(path, name))
    for (const file of ['cpuset.cpus', 'cpuset.mems'])
      if (existsSync(join(path, name, file)) && existsSync(join(path, 'tasks')))
        writeFileSync(join(path, name, file), readFileSync(join(path, file)))
  }
}

const enter = (name: string) => [
  'sh',
  '-ec',
  `${hierarchies()
    .map((path) => `echo $$ > '${join(path, name, 'cgroup.procs')}'`)
    .join('; ')}; exec "$@"`,
  'sh',
]

const namespaces = [
  ...['unshare', '--mount', '--pid', '--fork', '--mount-proc', '--kill-child', '--net', '--cgroup'],
  ...['--propagation', 'private'],
]

/** Lets the new cgroups look like whole hierarchies; see cgroup_namespaces(7). */
const insideScript = (cgroup: string, propagation: Plan['propagation']) =>
  [
    'ip link set lo up 2>/dev/null || true',
    ...hierarchies().map((path) => `mount --bind '${join(path, cgroup)}' '${path}'`),
    'mount -t tmpfs -o mode=755 suite /run',
    // Only now: what is private is in no group with the machine's own mounts.
    ...(propagation === 'shared' ? ['mount --make-rshared /'] : []),
    'exec "$@"',
  ].join('\n')

function program({ argv, needsTerminal }: Plan, user: User | undefined): string[] {
  const credentials = ['setpriv', '--reuid', String(user?.uid), '--regid', String(user?.gid), '--clear-groups']
  const command = [...(user === undefined ? [] : credentials), ...argv]
  if (!needsTerminal) return command
  const words = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ')
  return ['script', '--quiet', '--return', '--command', `stty rows 24 cols 80; ${words}`, '/dev/null']
}

/** A frozen process cannot end, so the cgroups are thawed and killed until none is left. */
async function clear(name: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if (clearOnce(name).length === 0) return
    await sleep(100)
  }
  throw new Error(`cannot remove ${removeCgroups(name).join(' ')}`)
}

/** Returns what is still there. */
function clearOnce(name: string): string[] {
  const left = removeCgroups(name)
  left.forEach(endAllIn)
  return left
}

function endAllIn(path: string): void {
  for (const [file, word] of [
    ['freezer.state', 'THAWED'],
    ['cgroup.freeze', '0'],
  ] as const)
    if (existsSync(join(path, file))) writeFileSync(join(path, file), word)
  for (const pid of readFileSync(join(path, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean)) {
    try {
      process.kill(Number(pid), 'SIGKILL')
    } catch {
      // It has ended in the meantime.
    }
  }
}
