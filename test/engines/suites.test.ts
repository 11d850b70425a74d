// Needs root, unshare and ip; runs the runner of foreign suites on a suite of three shell scripts.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { hierarchies } from '../fixtures/cgroup-tree.ts'
import { repository, runtimePath } from '../fixtures/install.ts'
import { entries, findProgram, needs } from '../fixtures/needs.ts'
import { runDirectory } from '../fixtures/run-directory.ts'

const skip = needs('root', 'unshare') ?? (findProgram('ip') === undefined ? 'needs ip (Debian: iproute2)' : undefined)
const place = mkdtempSync(join(runDirectory(), 'suites-'))
chmodSync(place, 0o755)

const programs = {
  good: 'echo 1..2; echo "ok 1 - runs $($RUNTIME --version | head -n 1 | cut -d" " -f1)"; echo "ok 2 # skip not here"',
  bad: 'echo 1..2; echo "not ok 1 - id $(id -u) in $(readlink /proc/self/ns/net)"',
  stuck: 'mkdir $(ls -d /sys/fs/cgroup/*/ | head -n 1)left; sleep 1000 & echo 1..1; sleep 1000',
}

function makeSuite(): string {
  const checkout = join(place, 'checkout')
  for (const [name, script] of Object.entries(programs)) {
    mkdirSync(join(checkout, 'validation', name), { recursive: true })
    writeFileSync(join(checkout, 'validation', name, `${name}.t`), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  }
  writeFileSync(join(checkout, 'runtimetest'), '', { mode: 0o755 })
  return checkout
}

function runSuite(...args: string[]) {
  const main = join(repository, 'test/suites/main.ts')
  return spawnSync(process.execPath, ['--import', 'tsx', main, ...args], { cwd: repository, encoding: 'utf8' })
}

const ownCgroups = (pid: number) =>
  hierarchies().flatMap((path) => entries(path).filter((name) => name === `usnea-suite-${pid}`))

const linesOf = (report: string) =>
  readFileSync(report, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t'))

/** Who ran the program that fails, and in which network namespace, as it tells. */
const whereabouts = (name = '') => /^id (\d+) in (.*)$/.exec(name)?.slice(1) ?? []

test('a suite is run as root, counted, and leaves nothing', { skip }, async () => {
  const report = join(place, 'root.tsv')
  const run = runSuite('runtime-tools', makeSuite(), await runtimePath(), '--out', report, '--patience', '20')
  assert.equal(run.status, 1, run.stderr)
  assert.match(run.stdout, /^good +1 +0 +1 +0$/m)
  assert.match(run.stdout, /^bad +0 +1 +0 +1$/m)
  assert.match(run.stdout, /^stuck +0 +0 +0 +1$/m)
  assert.match(run.stdout, /^total +1 +1 +1 +2$/m)
  assert.match(run.stdout, /^files that passed: 1 of 3$/m)
  const lines = linesOf(report)
  const [id, network] = whereabouts(lines[0]?.[1])
  assert.equal(id, '0')
  assert.notEqual(network, readlinkSync('/proc/self/ns/net'))
  assert.deepEqual(lines[2], ['good', 'runs usnea', 'pass', ''])
  assert.deepEqual(lines.at(-1), ['stuck', '(not told)', 'lost', 'said nothing for 20 s'])
  assert.deepEqual(ownCgroups(run.pid), [])
})

test('a suite is run as a user that is made for it', { skip }, async () => {
  const report = join(place, 'user.tsv')
  const only = ['--only', 'bad', '--only', 'good']
  const run = runSuite('runtime-tools', makeSuite(), await runtimePath(), '--rootless', ...only, '--out', report)
  assert.equal(run.status, 1, run.stderr)
  const lines = linesOf(report)
  const [id = ''] = whereabouts(lines[0]?.[1])
  assert.match(id, /^[1-9]\d*$/)
  assert.equal(readFileSync('/etc/passwd', 'utf8').includes(`:x:${id}:`), false, 'the user is still there')
  assert.deepEqual(lines[2], ['good', 'runs usnea', 'pass', ''])
})

test('a checkout that is not ready is refused with what is missing', { skip }, () => {
  const run = runSuite('runc', place)
  assert.equal(run.status, 2)
  assert.match(run.stderr, /^runc cannot be run; missing:$/m)
  assert.match(run.stderr, /is no checkout of runc/)
  assert.match(run.stderr, /make test-binaries/)
})

test('unknown suites, options and files are refused', { skip }, () => {
  for (const [args, words] of [
    [['frobnicate', place], /no suite frobnicate/],
    [['runc'], /usage/],
    [['runc', place, '--frobnicate'], /frobnicate/],
    [['runtime-tools', makeSuite(), '--only', 'other'], /has no other; it has: bad good stuck/],
    [['runtime-tools', place, '--rootless=half'], /ranges or plain/],
  ] as const) {
    const run = runSuite(...args)
    assert.equal(run.status, 2, run.stdout)
    assert.match(run.stderr, words)
  }
})
