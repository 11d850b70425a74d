/** An apply that ends at any of its calls is finished by the next one, and until then no file is a part of two. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readHost } from '../../src/host/host.ts'
import { sandbox } from '../../src/index.ts'
import {
  applyLayer,
  diffLayer,
  discardLayer,
  openLayer,
  openLayers,
  rollBackLayer,
} from '../../src/sandbox/layers/index.ts'
import { needs } from '../fixtures/needs.ts'
import { cutPower } from '../fixtures/power.ts'
import { rounds } from '../fixtures/rounds.ts'
import { describeTree, openTrial, type Trial } from '../fixtures/trying.ts'

const skip = needs('userns') ?? false

const script = [
  'rm -r a; echo file > a',
  'rm b; mkdir b; echo in > b/in',
  'echo more >> c; mv d e; chmod 600 f; ln f g; ln -sfn e soft; rm -r deep/er; mkdir -m 700 new; ln g new/h',
  'rm h; ln c h',
].join('\n')

function fill({ folder, write }: Trial): void {
  for (const name of ['a/one', 'a/two/three', 'b', 'c', 'd', 'f', 'h', 'deep/er/x', 'deep/y']) write(name, `${name}\n`)
  symlinkSync('c', join(folder, 'soft'))
}

/** A folder that is tried anew each time, and what it is before and after. */
function openStage() {
  const measure = openTrial()
  fill(measure)
  const before = describeTree(measure.folder)
  assert.equal(spawnSync('sh', ['-ec', script], { cwd: measure.folder }).status, 0)
  const after = describeTree(measure.folder)
  const trial = openTrial()
  process.env.XDG_STATE_HOME = trial.state
  const host = readHost()
  const again = async () => {
    rmSync(trial.folder, { recursive: true })
    mkdirSync(trial.folder)
    fill(trial)
    for (const layer of openLayers(host)) discardLayer(layer, true)
    const box = sandbox({ layer: { name: 'x', dirs: [trial.folder] }, cwd: trial.folder })
    await box.run(['sh', '-ec', script])
    return box
  }
  return { trial, before, after, again, reopen: () => openLayer('x', host) }
}

test('the power may go at any call of apply', { skip }, async () => {
  const { trial, before, after, again, reopen } = openStage()
  await again()
  const all = cutPower(Number.POSITIVE_INFINITY, () => applyLayer(reopen(), {})) ?? 0
  assert.deepEqual(describeTree(trial.folder), after)
  const known = new Set([...before, ...after].map(withoutName))
  // Few by default; with more effort every one.
  const step = Math.max(1, Math.floor(all / rounds(10)))
  for (let at = 1 + (process.pid % step); at <= all; at += step) {
    await again()
    assert.equal(
      cutPower(at, () => applyLayer(reopen(), {})),
      undefined,
    )
    for (const line of describeTree(trial.folder))
      if (!/(^|\/)\.usnea-/.test(line)) assert.ok(known.has(withoutName(line)) || / d /.test(line), `${at}: ${line}`)
    applyLayer(reopen(), {})
    assert.deepEqual(describeTree(trial.folder), after, `call ${at} of ${all}`)
    assert.deepEqual(diffLayer(reopen()), [])
  }
})

test('the library undoes an apply that was interrupted, also when the undoing is, and tells how far it is', {
  skip,
}, async () => {
  const { trial, before, after, again, reopen } = openStage()
  await again()
  const all = cutPower(Number.POSITIVE_INFINITY, () => applyLayer(reopen(), {})) ?? 0
  // the last half of the calls tidies up what is applied
  for (const [cut, cutBack] of [
    [Math.floor(all / 5), 5],
    [Math.floor(all / 2.5), 15],
  ] as const) {
    await using box = await again()
    await assert.rejects(box.rollBack(), { code: 'apply-nothing' })
    cutPower(cut, () => applyLayer(reopen(), {}))
    await assert.rejects(box.discard(), { code: 'layer-half-applied' })
    cutPower(cutBack, () => rollBackLayer(reopen()))
    await assert.rejects(box.apply(), { code: 'layer-half-applied' })
    const told: { way: string; done: number; all: number }[] = []
    box.on('apply', (event) => told.push(event))
    const { restored, left } = await box.rollBack()
    assert.ok(restored.length > 0)
    assert.deepEqual(left, [])
    assert.deepEqual(describeTree(trial.folder), before, `cut at ${cut} and ${cutBack}`)
    assertWhole(told.splice(0), 'back')
    await box.apply()
    assertWhole(told, 'forward')
    assert.deepEqual(describeTree(trial.folder), after)
    await box.discard({ force: true })
  }
})

/** One after the other up to the last step. */
function assertWhole(told: readonly { way: string; done: number; all: number }[], way: string): void {
  const last = told.at(-1)
  assert.ok(last !== undefined && last.done === last.all)
  assert.ok(told.every((event, index) => event.way === way && event.done > (told[index - 1]?.done ?? 0)))
}

/** Which names are one file changes on the way, and modes come last. */
const withoutName = (line: string): string => line.replace(/ \S*$/, '').replace(/ f \d+ /, ' f ')
