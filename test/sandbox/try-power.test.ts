/** An apply that ends at any of its calls is finished by the next one, and until then no file is a part of two. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readHost } from '../../src/host/host.ts'
import { sandbox } from '../../src/index.ts'
import { applyLayer, diffLayer, discardLayer, openLayer, openLayers } from '../../src/sandbox/layers/index.ts'
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

test('the power may go at any call of apply', { skip }, async () => {
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
    await using box = sandbox({ layer: { name: 'x', dirs: [trial.folder] }, cwd: trial.folder })
    await box.run(['sh', '-ec', script])
    return openLayer('x', host)
  }
  const first = await again()
  const all = cutPower(Number.POSITIVE_INFINITY, () => applyLayer(first, {})) ?? 0
  assert.deepEqual(describeTree(trial.folder), after)
  const known = new Set([...before, ...after].map(withoutName))
  // Few by default; with more effort every one.
  const step = Math.max(1, Math.floor(all / rounds(12)))
  for (let at = 1 + (process.pid % step); at <= all; at += step) {
    const layer = await again()
    assert.equal(
      cutPower(at, () => applyLayer(layer, {})),
      undefined,
    )
    for (const line of describeTree(trial.folder))
      if (!/(^|\/)\.usnea-/.test(line)) assert.ok(known.has(withoutName(line)) || / d /.test(line), `${at}: ${line}`)
    applyLayer(openLayer('x', host), {})
    assert.deepEqual(describeTree(trial.folder), after, `call ${at} of ${all}`)
    assert.deepEqual(diffLayer(openLayer('x', host)), [])
  }
})

/** Which names are one file changes on the way, and modes come last. */
const withoutName = (line: string): string => line.replace(/ \S*$/, '').replace(/ f \d+ /, ' f ')
