/** Whenever apply or its undoing is killed, the host's tree is the one before or the one after, or the next call finishes it. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { writeXattr } from '../../src/kernel/trees.ts'
import { needs } from '../fixtures/needs.ts'
import { rounds } from '../fixtures/rounds.ts'
import { describeTree, openTrial, type Trial } from '../fixtures/trying.ts'

const skip = needs('userns', 'python3') ?? false
const usnea = fileURLToPath(new URL('../../bin/usnea', import.meta.url))
/** USNEA_TEST_FILES=50000 USNEA_TEST_EFFORT=25 is the whole of it: an apply is killed a hundred times. */
const files = Number(process.env.USNEA_TEST_FILES ?? 200)
const directories = 20

function fill(folder: string): void {
  for (let n = 0; n < directories; n++) mkdirSync(join(folder, `d${n}/sub`), { recursive: true })
  for (let n = 0; n < files; n++) {
    const directory = join(folder, `d${n % directories}`)
    const path = join(directory, n % 3 === 0 ? 'sub' : '', `f${n}`)
    writeFileSync(path, `file ${n}\n`)
    if (n % 50 === 1) writeXattr(Buffer.from(path), 'user.note', Buffer.from(String(n)))
    if (n % 40 === 0) linkSync(path, join(directory, `hard${n}`))
    if (n % 60 === 0) symlinkSync(`f${n}`, join(directory, `soft${n}`))
  }
}

/** Whiteouts, opaque directories, changes, renames, modes, attributes, links, copies, and kinds that change. */
const program = `
import os, shutil
for d in range(${directories}):
    kind, here = d % 10, "d%d" % d
    names = sorted(os.listdir(here))
    plain = [here + "/" + n for n in names if n[0] == "f"]
    if kind == 0: shutil.rmtree(here)
    elif kind == 1:
        shutil.rmtree(here); os.mkdir(here); open(here + "/again", "w").write("again\\n")
    elif kind in (2, 3):
        for f in plain: open(f, "a").write("changed\\n")
    elif kind == 4:
        for f in plain: os.rename(f, f + ".moved")
    elif kind == 5:
        os.chmod(here, 0o700); os.setxattr(plain[0], "user.tag", b"v"); os.chmod(plain[1], 0o600); os.link(plain[2], here + "/another")
        os.symlink("nowhere", here + "/link"); shutil.move(here + "/sub", "sub%d" % d)
    elif kind == 6: shutil.copytree(here, "new%d" % d, symlinks=True)
    elif kind == 7:
        shutil.rmtree(here + "/sub"); open(here + "/sub", "w").write("file\\n")
    elif kind == 8:
        os.unlink(plain[0]); os.makedirs(plain[0] + "/now/deep"); open(plain[0] + "/now/deep/file", "w").write("deep\\n")
`

/** One tree and one layer: killed, gone on with, rolled back and tried anew until enough is seen. */
interface Stage {
  readonly trial: Trial
  readonly journal: string
  /** The tree as it was in the beginning, to make it anew. */
  readonly pristine: string
  readonly before: readonly string[]
  readonly after: readonly string[]
  /** Every file that may be there in between. */
  readonly known: ReadonlySet<string>
  /** Of one apply as a whole, in milliseconds, as quick as it was seen; and of a call that does nothing. */
  whole: number
  readonly start: number
}

const isOurs = (line: string) => /(^|\/)\.usnea-/.test(line)
const isEqual = (a: readonly string[], b: readonly string[]) =>
  a.length === b.length && a.every((line, at) => line === b[at])
/** Which names are one file changes on the way, and modes and attributes come last. */
const withoutMeta = (line: string) => line.replace(/ \S*$/, '').replace(/ f \d+ (user\.\S+ )*/, ' f ')

function copyTree(from: string, to: string): void {
  const { status, stderr } = spawnSync('cp', ['-a', '--', from, to], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
}

function prepare(trial: Trial, pristine: string): void {
  rmSync(trial.folder, { recursive: true })
  copyTree(pristine, trial.folder)
  trial.usnea('discard', '--layer', 'kill', '--force')
  succeed(trial, 'try', '--layer', 'kill', '--', 'python3', '-c', program)
}

function succeed(trial: Trial, ...args: string[]): number {
  const began = performance.now()
  const { status, stderr } = trial.usnea(...args)
  assert.equal(status, 0, stderr)
  return performance.now() - began
}

function open(): Stage {
  const trial = openTrial()
  const [pristine, measure] = [`${trial.folder}.pristine`, `${trial.folder}.measure`]
  mkdirSync(pristine)
  fill(pristine)
  copyTree(pristine, measure)
  const before = describeTree(measure)
  const { status, stderr } = spawnSync('python3', ['-c', program], { cwd: measure, encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  const after = describeTree(measure)
  rmSync(measure, { recursive: true })
  prepare(trial, pristine)
  assert.deepEqual(describeTree(trial.folder), before, 'the host is unchanged')
  const start = succeed(trial, 'layers')
  const whole = succeed(trial, 'apply')
  assert.deepEqual(describeTree(trial.folder), after)
  prepare(trial, pristine)
  const known = new Set([...before, ...after].map(withoutMeta))
  const journal = join(trial.state, 'usnea/layers/kill/apply.journal')
  return { trial, journal, pristine, before, after, known, whole, start }
}

/** @returns milliseconds that it took, when it ended before */
async function kill({ trial }: Stage, args: readonly string[], ms: number): Promise<number | undefined> {
  const began = performance.now()
  const child = spawn(usnea, args, { cwd: trial.folder, env: trial.env, stdio: 'ignore' })
  const ended = once(child, 'exit').then(([, signal]) => (signal === null ? performance.now() - began : undefined))
  await Promise.race([sleep(ms), ended])
  child.kill('SIGKILL')
  return await ended
}

type State = 'before' | 'after' | 'between'

/** What the tree is now; each file of it must be an old or a new one. Without a journal it is one of both, and nothing else. */
function look({ trial, before, after, known, journal }: Stage): State {
  const all = describeTree(trial.folder)
  const now = all.filter((line) => !isOurs(line))
  const which = isEqual(now, before) ? 'before' : isEqual(now, after) ? 'after' : 'between'
  if (!existsSync(journal)) {
    assert.notEqual(which, 'between', 'without a journal it is one of both')
    assert.equal(all.length, now.length, 'nothing of ours is left')
  }
  if (which === 'between') assertKnown(now, known)
  return which
}

function assertKnown(lines: readonly string[], known: ReadonlySet<string>): void {
  for (const line of lines) assert.ok(known.has(withoutMeta(line)) || / d \d+ /.test(line), line)
}

type Way = 'apply' | 'roll back' | 'discard'
const calls: Record<Way, readonly string[]> = {
  apply: ['apply'],
  'roll back': ['apply', '--roll-back'],
  discard: ['discard', '--layer', 'kill', '--force'],
}

/** What is called next: forward or back where both can be, and now and then all is given up. */
function choose(journal: string): Way {
  if (!existsSync(journal)) return 'apply'
  if (readFileSync(journal, 'utf8').includes('\n"back"\n')) return 'roll back'
  const chance = Math.random()
  return chance < 0.75 ? 'apply' : chance < 0.92 ? 'roll back' : 'discard'
}

/** A whole call is rare: an apply that was begun is killed several times on its way. */
const patience = ({ journal, whole, start }: Stage): number =>
  existsSync(journal) ? start + (Math.random() * whole) / 4 : whole * Math.random()

/** Given up half way: every file is an old or a new one, and neither a layer nor a name of ours is left. */
function finishDiscard({ trial, journal, known, pristine }: Stage): void {
  trial.usnea(...calls.discard)
  assert.ok(!existsSync(join(journal, '..')))
  const left = describeTree(trial.folder)
  assert.deepEqual(left.filter(isOurs), [])
  assertKnown(left, known)
  prepare(trial, pristine)
}

test('apply and its undoing are killed at random points: before or after, or the next call finishes it', {
  skip,
}, async () => {
  const stage = open()
  const { trial, journal, pristine } = stage
  const kills = rounds(4)
  const seen = { apply: 0, 'roll back': 0, discard: 0, before: 0, between: 0, after: 0 }
  const began = performance.now()
  while (seen.apply < kills) {
    const way = choose(journal)
    const isAnew = way === 'apply' && !existsSync(journal)
    const took = await kill(stage, calls[way], patience(stage))
    if (isAnew && took !== undefined) stage.whole = Math.min(stage.whole, took)
    seen[way]++
    if (way === 'discard') {
      finishDiscard(stage)
      continue
    }
    const which = look(stage)
    seen[which]++
    if (which === 'after') {
      // nothing to roll back: what is left is at most to be tidied
      succeed(trial, 'apply')
      prepare(trial, pristine)
    }
  }
  if (existsSync(journal)) {
    succeed(trial, 'apply', '--roll-back')
    assert.ok(!existsSync(journal))
    assert.deepEqual(describeTree(trial.folder), stage.before, 'rolled back')
  }
  succeed(trial, 'apply')
  assert.deepEqual(describeTree(trial.folder), stage.after, 'a layer that was rolled back is applied as any other')
  assert.equal(trial.usnea('diff', '--exit-code').status, 0)
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  console.log(
    `${files} files, an apply takes ${(stage.whole / 1000).toFixed(1)} s; killed: ${JSON.stringify(seen)}, ${seconds} s`,
  )
})
