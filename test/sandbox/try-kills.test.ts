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
/** USNEA_TEST_FILES=50000 USNEA_TEST_EFFORT=25 is the whole of it: a hundred kills. */
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

interface Stage {
  readonly trial: Trial
  readonly journal: string
  readonly before: readonly string[]
  readonly after: readonly string[]
  /** Of one apply as a whole, in milliseconds. */
  readonly whole: number
}

const withoutOurs = (lines: readonly string[]) => lines.filter((line) => !/(^|\/)\.usnea-/.test(line))
const isEqual = (a: readonly string[], b: readonly string[]) =>
  a.length === b.length && a.every((line, at) => line === b[at])
/** Which names are one file changes on the way, and modes and attributes come last. */
const withoutMeta = (line: string) => line.replace(/ \S*$/, '').replace(/ f \d+ (user\.\S+ )*/, ' f ')

function prepare(trial: Trial): void {
  rmSync(trial.folder, { recursive: true })
  mkdirSync(trial.folder)
  fill(trial.folder)
  trial.usnea('discard', '--layer', 'kill', '--force')
  const { status, stderr } = trial.usnea('try', '--layer', 'kill', '--', 'python3', '-c', program)
  assert.equal(status, 0, stderr)
}

function open(): Stage {
  const trial = openTrial()
  const measure = `${trial.folder}.measure`
  mkdirSync(measure)
  fill(measure)
  const before = describeTree(measure)
  const { status, stderr } = spawnSync('python3', ['-c', program], { cwd: measure, encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  const after = describeTree(measure)
  rmSync(measure, { recursive: true })
  prepare(trial)
  assert.deepEqual(describeTree(trial.folder), before)
  const began = performance.now()
  succeed(trial, 'apply')
  const whole = performance.now() - began
  assert.deepEqual(describeTree(trial.folder), after)
  prepare(trial)
  return { trial, journal: join(trial.state, 'usnea/layers/kill/apply.journal'), before, after, whole }
}

function succeed(trial: Trial, ...args: string[]): void {
  const { status, stderr } = trial.usnea(...args)
  assert.equal(status, 0, stderr)
}

async function kill({ trial }: Stage, args: readonly string[], ms: number): Promise<void> {
  const child = spawn(usnea, args, { cwd: trial.folder, env: trial.env, stdio: 'ignore' })
  const ended = once(child, 'exit')
  await sleep(ms)
  child.kill('SIGKILL')
  await ended
}

const hasBegun = (journal: string, mark: string): boolean =>
  existsSync(journal) && readFileSync(journal, 'utf8').includes(mark)

/** What the tree is now; each file of it must be an old or a new one. */
function look({ trial, before, after, journal }: Stage): 'before' | 'after' | 'between' {
  const now = withoutOurs(describeTree(trial.folder))
  const which = isEqual(now, before) ? 'before' : isEqual(now, after) ? 'after' : 'between'
  if (which !== 'between') return which
  assert.ok(existsSync(journal), 'without a journal it is one of both')
  const known = new Set([...before, ...after].map(withoutMeta))
  for (const line of now) assert.ok(known.has(withoutMeta(line)) || / d \d+ /.test(line), line)
  return which
}

test('apply and its undoing are killed at random points: before or after, or the next call finishes it', {
  skip,
}, async () => {
  const stage = open()
  const { trial, journal, whole } = stage
  const kills = rounds(4)
  const seen = { between: 0, forward: 0, back: 0, before: 0, after: 0 }
  const began = performance.now()
  for (let round = 0; round < kills; round++) {
    const isBack = hasBegun(journal, '"back"') || (existsSync(journal) && Math.random() < 0.5)
    await kill(stage, isBack ? ['apply', '--roll-back'] : ['apply'], whole * Math.random())
    seen[isBack ? 'back' : 'forward']++
    const which = look(stage)
    seen[which]++
    if (which === 'after') {
      // nothing to roll back: what is left is at most to be tidied
      succeed(trial, 'apply')
      prepare(trial)
    } else if (existsSync(journal) && (round % 4 === 3 || round === kills - 1)) {
      succeed(trial, 'apply', '--roll-back')
      assert.ok(!existsSync(journal))
      assert.deepEqual(describeTree(trial.folder), stage.before, 'rolled back')
    }
  }
  succeed(trial, 'apply')
  assert.deepEqual(describeTree(trial.folder), stage.after, 'a layer that was rolled back is applied as any other')
  assert.equal(trial.usnea('diff', '--exit-code').status, 0)
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  console.log(
    `${files} files, an apply takes ${(whole / 1000).toFixed(1)} s; ${kills} kills: ${JSON.stringify(seen)}, ${seconds} s`,
  )
})
