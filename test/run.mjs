// Runs the tests: `node test/run.mjs [unit|kernel|cli|oci|sandbox|engines|house|FILE ...]`; without arguments all of them.
// Every file (of unit tests: every few dozen) gets a process of its own, a time limit, and a place in one run directory that is swept at the end, also
// after an interruption. The summing-up is ours because every release of Node that we support words it differently.
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const top = dirname(dirname(fileURLToPath(import.meta.url)))
const wanted = process.argv.slice(2).map((word) => (word.endsWith('.ts') ? relative(top, resolve(word)) : word))
process.chdir(top)

/** Minutes a file may take before it counts as hanging: a soak runs hundreds of containers. */
const minutes = { unit: 2, house: 2, kernel: 5, cli: 5 }
const longest = 15
/** Started first, so that all workers end at about the same time. */
const slow = [
  'oci/idmaps', // makes a Debian
  'engines/docker-shim', // two daemons
  'engines/docker',
  'engines/podman-root',
  'engines/podman-rootless',
  'oci/matrix-debian',
  'oci/exec',
  'oci/attack-links',
  'oci/attack-swap',
  'oci/recovery',
  'oci/scheduling',
  'oci/soak',
  'oci/foreground-terminal',
  'oci/foreground-bulk',
].map((name) => `${name}.test.ts`)
const atOnce = Number(process.env.USNEA_TEST_JOBS) || Math.max(2, availableParallelism())
/** With USNEA_TEST_AGAIN=1: so few failed files get a second run, alone. More than that is no accident of a busy machine. */
const mostAgain = process.env.USNEA_TEST_AGAIN === '1' ? 3 : 0

/** Every folder below test/ that holds tests is a group; `house` are the files in test/ itself. The longest come first. */
function findTests() {
  const names = readdirSync('test', { recursive: true }).filter((name) => name.endsWith('.test.ts'))
  const place = (name) => (slow.includes(name) ? slow.indexOf(name) : slow.length)
  return names
    .sort()
    .sort((a, b) => place(a) - place(b))
    .map((name) => ({ file: join('test', name), group: name.includes('/') ? name.split('/')[0] : 'house' }))
}

function choose(tests) {
  for (const word of wanted) {
    if (tests.some(({ file, group }) => file === word || group === word)) continue
    console.error(
      `no such group or file of tests: ${word} (groups: ${[...new Set(tests.map((t) => t.group))].join(' ')})`,
    )
    process.exit(1)
  }
  return tests.filter(({ file, group }) => wanted.length === 0 || wanted.includes(file) || wanted.includes(group))
}

function newest(paths) {
  const files = paths.flatMap((path) => {
    if (!statSync(path).isDirectory()) return [path]
    return readdirSync(path, { recursive: true }).map((name) => join(path, name))
  })
  const generated = /^src\/.*(plan-def\.ts$|\/generated\b)/
  return Math.max(...files.filter((file) => !generated.test(file)).map((file) => statSync(file).mtimeMs))
}

/** make knows by itself what is old in native/; for the rest the oldest product is compared with the newest source. */
function build() {
  const products = ['src/kernel/plan-def.ts', 'dist/lib/index.js', 'dist/cli/usnea.js']
  const oldest = Math.min(...products.map((file) => (existsSync(file) ? statSync(file).mtimeMs : 0)))
  const old = newest(['src', 'native/plan.def', 'build.mjs', 'package.json', 'tsconfig.json']) > oldest
  const parts = ['native', ...(old ? ['gen', 'lib', 'cli'] : [])]
  const { status } = spawnSync(process.execPath, ['build.mjs', ...parts], { stdio: 'inherit' })
  if (status === 0) return
  console.error('the build failed, so no test was run')
  process.exit(1)
}

/** Starting a process takes longer than most unit tests, so theirs are few, with many files each. They come last: they fill gaps. */
function intoJobs(tests) {
  const alone = ({ file, group }) => ({ name: relative('test', file), files: [file], group })
  const unit = tests.filter(({ group }) => group === 'unit').map(({ file }) => file)
  const shares = Array.from({ length: atOnce }, (_, n) => unit.filter((_, index) => index % atOnce === n))
  const together = shares
    .filter((files) => files.length > 1)
    .map((files, n) => ({ name: `unit, ${files.length} files, part ${n + 1}`, files, group: 'unit' }))
  const shared = together.flatMap(({ files }) => files)
  return [...tests.filter(({ file }) => !shared.includes(file)).map(alone), ...together]
}

/** Runs the files of one job in a process and resolves to what their tests came to. */
function runJob({ name, files, group }, runDirectory, running) {
  const record = join(runDirectory, `events-${name.replaceAll(/[/ ,]+/g, '-')}`)
  const reporter = new URL('fixtures/events-reporter.mjs', import.meta.url)
  const reporting = [`--test-reporter=${reporter}`, `--test-reporter-destination=${record}`]
  const entry = files.length === 1 ? files : ['test/fixtures/together.mjs', ...files]
  const args = ['--import', 'tsx', ...reporting, ...entry]
  const env = { ...process.env, USNEA_TEST_RUN: runDirectory }
  // A group of its own: a hanging file is ended with everything it started.
  const child = spawn(process.execPath, args, { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
  let timedOut = false
  const began = performance.now()
  const timers = [
    setTimeout(
      () => {
        timedOut = true
        signalGroup(child, 'SIGTERM')
        timers.push(setTimeout(() => signalGroup(child, 'SIGKILL'), 15_000))
      },
      (minutes[group] ?? longest) * 60_000,
    ),
  ]
  return new Promise((settle) => {
    child.on('exit', (status, signal) => {
      timers.forEach(clearTimeout)
      running.delete(child)
      // A container left behind may hold the pipes open, so their end is not waited for.
      setTimeout(() => {
        child.stdout.destroy()
        child.stderr.destroy()
        const seconds = (performance.now() - began) / 1000
        settle({ name, files, group, seconds, output, ...sumUp(record, { status: status ?? signal, timedOut }) })
      }, 20)
    })
  })
}

function sumUp(record, { status, timedOut }) {
  const lines = existsSync(record) ? readFileSync(record, 'utf8').split('\n') : []
  const events = lines.filter((line) => line.endsWith('}')).map((line) => JSON.parse(line))
  const of = (kind) => events.filter((event) => event.kind === kind)
  const failed = of('fail')
  const open = of('start').filter(({ name }) => !events.some((event) => event.kind !== 'start' && event.name === name))
  const names = open.length > 0 ? `; not ended: ${open.map(({ name }) => name).join(', ')}` : ''
  if (timedOut) failed.push({ name: 'the whole file', error: `ran past its time limit${names}` })
  else if (status !== 0 && failed.length === 0)
    failed.push({ name: 'the whole file', error: `ended with ${status}${names}` })
  return { passed: of('pass').length, failed, skipped: of('skip') }
}

function signalGroup(child, signal) {
  try {
    process.kill(-child.pid, signal)
  } catch {
    // It has ended in the meantime.
  }
}

function tellJob({ name: title, passed, failed, skipped, seconds, output }) {
  const counts = [
    `${passed} passed`,
    failed.length && `${failed.length} failed`,
    skipped.length && `${skipped.length} skipped`,
  ]
  const mark = failed.length > 0 ? 'FAIL' : 'ok  '
  console.log(`${mark} ${title} (${counts.filter(Boolean).join(', ')}, ${seconds.toFixed(1)} s)`)
  for (const { name, error } of failed) console.log(`     not ok: ${name}\n${error.replace(/^/gm, '       ')}`)
  if (failed.length > 0 && output.trim() !== '')
    console.log(`     what it printed:\n${output.trimEnd().replace(/^/gm, '       ')}`)
}

function tellSkips(skipped) {
  const reasons = groupByReason(skipped)
  if (reasons.size > 0) console.log('\nskipped, and why:')
  for (const [reason, tests] of [...reasons].sort((a, b) => b[1].length - a[1].length)) {
    console.log(`  ${String(tests.length).padStart(4)}  ${reason}`)
  }
}

function groupByReason(skipped) {
  const reasons = new Map()
  for (const test of skipped) reasons.set(test.reason, [...(reasons.get(test.reason) ?? []), test])
  return reasons
}

/** Each by itself, when all else has ended. What passes only then is named at the end: it wants mending. */
async function runAgain(results, runDirectory, running) {
  const unsteady = []
  const failed = results.filter((result) => result.failed.length > 0)
  if (failed.length === 0 || failed.length > mostAgain) return unsteady
  console.log('\nonce more, alone:')
  for (const first of failed) {
    if (running.stopped) return unsteady
    const second = await runJob(first, runDirectory, running)
    tellJob(second)
    if (second.failed.length > 0) continue
    unsteady.push(...first.failed.map(({ name }) => `${first.name}: ${name}`))
    results.splice(results.indexOf(first), 1, second)
  }
  return unsteady
}

async function runAll(jobs, runDirectory, running) {
  const queue = [...jobs]
  const results = []
  const work = async () => {
    for (let job = queue.shift(); job !== undefined && !running.stopped; job = queue.shift()) {
      const result = await runJob(job, runDirectory, running)
      results.push(result)
      tellJob(result)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return results
}

function sweep(runDirectory) {
  const args = ['--import', 'tsx', 'test/fixtures/sweep-run.ts', runDirectory]
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' })
  rmSync(runDirectory, { recursive: true, force: true })
  return status === 0
}

const tests = choose(findTests())
build()
const runDirectory = mkdtempSync(join(tmpdir(), 'usnea-test-'))
// Other users, made by the tests, must be able to pass through.
chmodSync(runDirectory, 0o755)
const running = new Set()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    running.stopped = true
    for (const child of running) signalGroup(child, 'SIGTERM')
    setTimeout(() => running.forEach((child) => void signalGroup(child, 'SIGKILL')), 15_000).unref()
  })
}

const results = await runAll(intoJobs(tests), runDirectory, running)
const unsteady = await runAgain(results, runDirectory, running)
const clean = sweep(runDirectory)
const passed = results.reduce((sum, result) => sum + result.passed, 0)
const failed = results.reduce((sum, result) => sum + result.failed.length, 0)
const skipped = results.flatMap((result) => result.skipped)
tellSkips(skipped)
if (unsteady.length > 0) console.log(`\nfailed at first, passed alone:\n  ${unsteady.join('\n  ')}`)
if (passed + failed === 0)
  console.log(`\n${skipped.length > 0 ? 'every test was skipped' : 'no test ran'}, which proves nothing`)
if (running.stopped) console.log('\ninterrupted')
if (!clean) console.log('\nsomething was left behind by the tests (see above)')
console.log(`\n${passed} passed, ${failed} failed, ${skipped.length} skipped`)
process.exitCode = failed > 0 || passed === 0 || running.stopped || !clean ? 1 : 0
