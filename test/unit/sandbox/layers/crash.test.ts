/** Wherever an apply or its undoing stops, the next one comes to the same end: every look at the host's tree is such a place. */
import assert from 'node:assert/strict'
import { chmodSync, linkSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { writeXattr } from '../../../../src/kernel/trees.ts'
import { executeSteps } from '../../../../src/sandbox/layers/execute.ts'
import { rowOf } from '../../../../src/sandbox/layers/facts.ts'
import { removeKept } from '../../../../src/sandbox/layers/kept.ts'
import type { Step } from '../../../../src/sandbox/layers/steps.ts'
import { Tree } from '../../../../src/sandbox/layers/tree.ts'
import { undoSteps } from '../../../../src/sandbox/layers/undo.ts'
import { rounds } from '../../../fixtures/rounds.ts'
import { describeTree } from '../../../fixtures/trying.ts'

const place = realpathSync(mkdtempSync(join(tmpdir(), 'usnea-crash-')))
after(() => rmSync(place, { recursive: true }))

class Crash extends Error {}

/** A tree that is looked at so many times. */
class Fragile extends Tree {
  left: number

  constructor(path: string, looks: number) {
    super(path)
    this.left = looks
  }

  override directory(path: string): number {
    if (--this.left < 0) throw new Crash()
    return super.directory(path)
  }
}

function fillHost(top: string): void {
  for (const folder of ['', 'gone', 'gone/deep', 'other', 'kind']) mkdirSync(join(top, folder))
  for (const name of ['changed', 'removed', 'gone/one', 'gone/deep/two', 'other/meta', 'file-to-folder', 'linked'])
    writeFileSync(join(top, name), `${name}\n`)
  linkSync(join(top, 'linked'), join(top, 'again'))
  symlinkSync('nowhere', join(top, 'link'))
  writeXattr(Buffer.from(join(top, 'other/meta')), 'user.note', Buffer.from('old'))
}

function fillLayer(top: string): void {
  for (const folder of ['', 'other', 'new', 'file-to-folder']) mkdirSync(join(top, folder))
  for (const name of ['changed', 'linked', 'kind']) writeFileSync(join(top, name), `${name}, and more\n`)
  for (const name of ['new/file', 'file-to-folder/inner']) writeFileSync(join(top, name), 'new\n')
  linkSync(join(top, 'new/file'), join(top, 'new/second'))
  writeFileSync(join(top, 'other/meta'), 'other/meta\n')
  chmodSync(join(top, 'other/meta'), 0o600)
  writeXattr(Buffer.from(join(top, 'other/meta')), 'user.tag', Buffer.from('new'))
  symlinkSync('elsewhere', join(top, 'link'))
}

/** In the order of an apply: what is in the way, directories, content, links, removals, modes. */
const wanted: readonly (readonly [verb: Step['do'], path: string, to?: string])[] = [
  ['remove', 'file-to-folder'],
  ['remove', 'kind'],
  ['mkdir', 'file-to-folder'],
  ['mkdir', 'new'],
  ['file', 'changed'],
  ['file', 'file-to-folder/inner'],
  ['file', 'kind'],
  ['symlink', 'link'],
  ['file', 'linked'],
  ['file', 'new/file'],
  ['link', 'new/second', 'new/file'],
  ['remove', 'removed'],
  ['remove', 'gone/one'],
  ['remove', 'gone/deep/two'],
  ['remove', 'gone/deep'],
  ['remove', 'gone'],
  ['meta', 'other/meta'],
  ['meta', 'new'],
  ['meta', 'file-to-folder'],
]

const cleared = new Set(['file-to-folder', 'kind'])
const isNew = (verb: Step['do'], path: string) => verb === 'mkdir' || (verb === 'file' && cleared.has(path))

function stepsFor(host: Tree): Step[] {
  return wanted.map(([verb, path, to]) => {
    const facts = isNew(verb, path) || path.startsWith('file-to-folder/') ? undefined : host.facts(path)
    return {
      do: verb,
      folder: 0,
      path,
      expected: facts === undefined ? null : rowOf(facts),
      ...(to === undefined ? {} : { to }),
      ...(path === 'other/meta' ? { xattrs: [['user.note', Buffer.from('old').toString('base64')] as const] } : {}),
    }
  })
}

const layerTop = join(place, 'layer')
fillLayer(layerTop)
let stages = 0

function openStage() {
  const top = join(place, `host-${++stages}`)
  fillHost(top)
  using host = new Tree(top)
  const steps = stepsFor(host)
  return { top, steps, journal: { id: 'x', steps, settled: [], opened: [], linked: [], closed: [], isWhole: true } }
}

type Stage = ReturnType<typeof openStage>
const FOR_EVER = Number.POSITIVE_INFINITY

/** Did it come to its end? */
function within(
  { top }: Stage,
  looks: number,
  act: (sides: { top: string; layer: Tree; host: Tree }[]) => void,
): boolean {
  using layer = new Tree(layerTop)
  using host = new Fragile(top, looks)
  try {
    act([{ top, layer, host }])
    return true
  } catch (error) {
    if (!(error instanceof Crash)) throw error
    return false
  } finally {
    host.left = FOR_EVER
  }
}

const forward = (stage: Stage, looks: number, isResumed: boolean): boolean =>
  within(stage, looks, (sides) =>
    executeSteps(stage.steps, { id: 'x', sides, isForced: false, isResumed, doneSteps: 0, onSynced: () => {} }),
  )

const back = (stage: Stage, looks: number): boolean =>
  within(stage, looks, (sides) => assert.deepEqual(undoSteps(stage.journal, { sides, conflicts: undefined }), []))

function finish({ top, journal }: Stage): void {
  using host = new Tree(top)
  removeKept(journal, 0, host)
}

function endOf(stage: Stage): string[] {
  const lines = describeTree(stage.top)
  rmSync(stage.top, { recursive: true })
  return lines
}

/** How often an undisturbed one looks. */
function looksOf(act: (stage: Stage, looks: number) => boolean, prepare: (stage: Stage) => void): number {
  for (let looks = 16; ; looks += 16) {
    const stage = openStage()
    prepare(stage)
    const isDone = act(stage, looks)
    rmSync(stage.top, { recursive: true })
    if (isDone) return looks
  }
}

const start = openStage()
const before = describeTree(start.top)
assert.ok(forward(start, FOR_EVER, false))
finish(start)
const applied = endOf(start)
const most = looksOf(
  (stage, looks) => forward(stage, looks, false),
  () => {},
)

/** All pairs of places are many: these are enough of them, and with USNEA_TEST_EFFORT=20 it is all. */
const stride = Math.max(1, Math.round(20 / rounds(1)))

/** Calls `play` for stops at `first` and at `second`, until it says that the second was behind its end. */
function stops(play: (first: number, second: number) => boolean): void {
  for (let first = 0; first <= most; first += Math.ceil(stride / 5))
    for (let second = first % stride; !play(first, second); ) second += stride
}

test('an apply that stops anywhere, also when it was gone on from, comes to the same end', () => {
  stops((first, second) => {
    const stage = openStage()
    const isDone = forward(stage, first, false) || forward(stage, second, true)
    if (!isDone) assert.ok(forward(stage, FOR_EVER, true))
    finish(stage)
    assert.deepEqual(endOf(stage), applied, `stopped at look ${first}, and then at ${second}`)
    return isDone
  })
})

test('an apply that stops anywhere is rolled back, and so is one whose roll back stops anywhere', () => {
  stops((first, second) => {
    const stage = openStage()
    forward(stage, first, false)
    const isDone = back(stage, second)
    if (!isDone) assert.ok(back(stage, FOR_EVER))
    assert.deepEqual(endOf(stage), before, `stopped at look ${first}, and its roll back at ${second}`)
    return isDone
  })
})

test('an apply that stops while it tidies up does that again', () => {
  for (let looks = 0, isDone = false; !isDone; looks++) {
    const stage = openStage()
    forward(stage, FOR_EVER, false)
    isDone = within(stage, looks, ([sides]) => sides && removeKept(stage.journal, 0, sides.host))
    finish(stage)
    assert.deepEqual(endOf(stage), applied, `stopped at look ${looks}`)
  }
})
