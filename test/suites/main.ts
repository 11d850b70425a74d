/**
 * Runs a foreign test suite from a checkout, against any runtime:
 *   npm run test:suites -- SUITE CHECKOUT [RUNTIME] [--rootless | --rootless=plain] [--only NAME]… [--out FILE] [--patience SECONDS]
 *   npm run test:suites -- schema CHECKOUT: the samples of runtime-spec, by our own checks
 * The suites are others' work and stay in their checkouts; see docs/engines.md for what they need.
 */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { makeDirectory } from '../fixtures/as.ts'
import { isOpenToAll, runtimePath } from '../fixtures/install.ts'
import { findProgram } from '../fixtures/needs.ts'
import { isRoot, provideUser, type User } from '../fixtures/users.ts'
import { heading, type Outcome, passedFiles, row, total, tsv } from './report.ts'
import { runInRoom } from './room.ts'
import { runc } from './runc.ts'
import { runtimeTools } from './runtime-tools.ts'
import { runSchema } from './schema.ts'
import type { Mode, Suite } from './suite.ts'
import { parseTap } from './tap.ts'
import { missingPrograms } from './wanted.ts'

const suites: Readonly<Record<string, Suite>> = { runc, 'runtime-tools': runtimeTools }

const usage =
  'usage: npm run test:suites -- runc|runtime-tools CHECKOUT [RUNTIME] [--rootless | --rootless=plain] [--only NAME]... [--out FILE] [--patience SECONDS]'

function stop(...lines: string[]): never {
  for (const line of lines) console.error(line)
  process.exit(2)
}

function readArguments(words: readonly string[]) {
  try {
    // node:util has no options with an optional value.
    const args = words.map((word) => (word === '--rootless' ? '--rootless=ranges' : word))
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        rootless: { type: 'string' },
        only: { type: 'string', multiple: true, default: [] },
        out: { type: 'string' },
        patience: { type: 'string', default: '120' },
      },
    })
    return { ...values, positionals }
  } catch (error) {
    return stop(String((error as Error).message), usage)
  }
}

const { rootless = 'root', only = [], out, patience = '120', positionals } = readArguments(process.argv.slice(2))
const [name = '', path, wantedRuntime, ...more] = positionals
if (name === 'schema' && path !== undefined) process.exit((await runSchema(resolve(path))) ? 0 : 1)
const suite = suites[name] ?? stop(name === '' ? 'no suite is named' : `there is no suite ${name}`, usage)
if (path === undefined || more.length > 0) stop(usage)
if (!['root', 'ranges', 'plain'].includes(rootless)) stop(`--rootless=${rootless}: it is ranges or plain`, usage)
if (!(Number(patience) > 0)) stop(`--patience ${patience}: a number of seconds above 0 is wanted`)
const mode = rootless as Mode
const checkout = resolve(path)

function whatIsMissing(): string[] {
  if (!isRoot) return ['root: the suite is run in namespaces and cgroups of its own, also for a user']
  const machine = missingPrograms({ unshare: 'util-linux', setpriv: 'util-linux', ip: 'iproute2' })
  const own = suite.missing(checkout, mode)
  const isClosed = mode !== 'root' && own.length === 0 && !isOpenToAll(realpathSync(checkout))
  return [
    ...machine,
    ...own,
    ...(isClosed ? [`a checkout that every user can reach: ${checkout} is below a closed directory`] : []),
  ]
}

const missing = whatIsMissing()
if (missing.length > 0) stop(`${name} cannot be run; missing:`, ...missing.map((line) => `  ${line}`))
const known = suite.list(checkout)
const unknown = only.filter((file) => !known.includes(file))
if (unknown.length > 0) stop(`${name} has no ${unknown.join(', ')}; it has: ${known.join(' ')}`)
const files = only.length > 0 ? only : known

const runtime = realpathSync(wantedRuntime ?? (await runtimePath()))
if (mode !== 'root' && !isOpenToAll(dirname(runtime)))
  stop(`${runtime} is below a closed directory: the user cannot reach it`)
const user: User | undefined =
  mode === 'root' ? undefined : provideUser(mode === 'ranges' ? 'with ranges' : 'without ranges')

/** The suites make unix sockets below it, so its path is short. */
const base = mkdtempSync(join(tmpdir(), 'us-'))
chmodSync(base, 0o755)
process.on('exit', () => rmSync(base, { recursive: true, force: true }))
const programs = join(base, 'bin')
mkdirSync(programs)
// runc's suite asks Go which processor this is, also when everything is built.
if (findProgram('go') === undefined)
  writeFileSync(join(programs, 'go'), `#!/bin/sh\necho ${process.arch === 'x64' ? 'amd64' : process.arch}\n`, {
    mode: 0o755,
  })

const env = {
  PATH: [programs, ...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'].join(delimiter),
  LANG: 'C.UTF-8',
  TERM: 'xterm',
}
const width = Math.max(...files.map((file) => file.length), 'total'.length)
console.log(`${name} from ${checkout} with ${runtime} as ${mode}\n\n${heading(width)}`)
const outcomes: Outcome[] = []
for (const file of files) {
  const scratch = join(base, 't')
  makeDirectory(scratch, 0o700, user ?? { name: 'root', uid: 0, gid: 0, ranges: undefined })
  const plan = suite.plan(file, { checkout, runtime, mode, scratch, ranges: user?.ranges, programs })
  const log = join(base, 'log')
  const own = { ...env, HOME: scratch, TMPDIR: scratch, USER: user?.name ?? 'root' }
  const whyEnded = await runInRoom({ plan, user, env: own, log, patience: Number(patience) })
  const said = readFileSync(log, 'utf8')
  const verdicts = parseTap(said, whyEnded ?? `it ended early: ${said.trim().split('\n').at(-1)}`)
  outcomes.push({ file, verdicts })
  console.log(row(file, verdicts, width))
  rmSync(scratch, { recursive: true, force: true })
}
console.log(`${total(outcomes, width)}\n\n${passedFiles(outcomes)}`)
const report = resolve(out ?? `${name}-${mode}.tsv`)
writeFileSync(report, tsv(outcomes))
console.log(`one line a test: ${report}`)
process.exitCode = outcomes.some(({ verdicts }) =>
  verdicts.some(({ status }) => status === 'fail' || status === 'lost'),
)
  ? 1
  : 0
