/**
 * node --import tsx test/bench/seccomp.ts [PROFILE]: podman's default profile as we compile it and as libseccomp does:
 * instructions, the time of compiling, and what a call costs under each filter. Printed, not judged.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { programText } from '../../src/linux/seccomp/bpf.ts'
import { compileFilter } from '../../src/linux/seccomp/compile.ts'
import { engineProfile } from '../fixtures/engine-profile.ts'
import { libseccompProgram, unknownToLibseccomp, withoutLibseccomp } from '../fixtures/libseccomp.ts'
import { runDirectory } from '../fixtures/run-directory.ts'
import { quantile } from './measure.ts'

const path = process.argv[2] ?? '/usr/share/containers/seccomp.json'
/** The kernel answers a call without rules for its arguments from a cache since 5.11; the others run the program. */
const cases = ['getppid, allowed whatever its arguments', 'personality, allowed by its argument', 'add_key, refused']
const COUNT = 200_000
const ROUNDS = 7

interface Filter {
  readonly name: string
  readonly program: Uint8Array
}

/** Filters take turns, so that what the machine does hits all alike. */
function timeCalls(timer: string, filters: readonly Filter[], which: number): Map<string, number> {
  const times = new Map(filters.map(({ name }) => [name, [] as number[]]))
  for (let round = 0; round < ROUNDS; round++)
    for (const { name, program } of filters) {
      const { stdout, stderr } = spawnSync(timer, [String(COUNT), String(which)], { input: program, encoding: 'utf8' })
      if (stdout === '') throw new Error(stderr)
      times.get(name)?.push(Number(stdout))
    }
  return new Map(
    [...times].map(([name, list]) => [
      name,
      quantile(
        list.toSorted((a, b) => a - b),
        0.5,
      ),
    ]),
  )
}

function timeOf(work: () => unknown): number {
  const times = Array.from({ length: 30 }, () => {
    const start = performance.now()
    work()
    return performance.now() - start
  })
  return quantile(
    times.toSorted((a, b) => a - b),
    0.5,
  )
}

function main(): void {
  const whole = engineProfile(path, ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'])
  const unknown = unknownToLibseccomp((whole.syscalls ?? []).flatMap(({ names }) => names))
  const syscalls = (whole.syscalls ?? []).map((rule) => ({
    ...rule,
    names: rule.names.filter((name) => !unknown.has(name)),
  }))
  const profile = { ...whole, syscalls }
  const ours = () => Buffer.from(programText(compileFilter(profile, 'x64').program), 'hex')
  const filters: Filter[] = [
    { name: 'no filter', program: new Uint8Array() },
    { name: 'usnea', program: ours() },
    { name: 'libseccomp', program: libseccompProgram(profile) ?? new Uint8Array() },
    { name: 'libseccomp, binary tree', program: libseccompProgram(profile, 2) ?? new Uint8Array() },
  ]
  console.log(`${path}, for ${profile.architectures?.join(', ')}`)
  for (const { name, program } of filters.slice(1))
    console.log(`  ${name.padEnd(26)} ${String(program.length / 8).padStart(6)} instructions`)
  console.log(`  compiled by usnea in ${timeOf(ours).toFixed(1)} ms`)
  const timer = join(runDirectory(), 'timed-calls')
  const source = fileURLToPath(new URL('../fixtures/timed-calls.c', import.meta.url))
  spawnSync('cc', ['-O2', '-o', timer, source], { stdio: 'inherit' })
  for (const [which, title] of cases.entries()) {
    console.log(`${title}: nanoseconds of processor time, p50 of ${ROUNDS} times ${COUNT} calls`)
    for (const [name, nanoseconds] of timeCalls(timer, filters, which))
      console.log(`  ${name.padEnd(26)} ${nanoseconds.toFixed(0).padStart(6)}`)
  }
  rmSync(timer)
}

const here = process.arch === 'x64' ? withoutLibseccomp() : 'needs x86-64'
const missing = here ?? (existsSync(path) ? undefined : `needs ${path} (Debian: golang-github-containers-common)`)
if (missing === undefined) main()
else console.log(`left out: ${missing}`)
