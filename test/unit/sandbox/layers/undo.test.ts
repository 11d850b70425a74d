import assert from 'node:assert/strict'
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { rowOf } from '../../../../src/sandbox/layers/facts.ts'
import { Tree } from '../../../../src/sandbox/layers/tree.ts'
import { undoSteps } from '../../../../src/sandbox/layers/undo.ts'

const place = realpathSync(mkdtempSync(join(tmpdir(), 'usnea-undo-')))
after(() => rmSync(place, { recursive: true }))

/** Between two looks at a directory somebody puts a link in its place. */
class Swapped extends Tree {
  readonly #path: string
  readonly #target: string

  constructor(top: string, path: string, target: string) {
    super(top)
    this.#path = join(top, path)
    this.#target = target
  }

  override at(path: string): Buffer {
    if (lstatSync(this.#path, { throwIfNoEntry: false })?.isDirectory()) {
      renameSync(this.#path, `${this.#path}-aside`)
      symlinkSync(this.#target, this.#path)
    }
    return super.at(path)
  }
}

test('a directory that is brought back gets its mode, and a link that was put in its place gives that to nothing', () => {
  const [top, layerTop, victim] = ['host', 'layer', 'victim'].map((name) => join(place, name)) as [
    string,
    string,
    string,
  ]
  for (const directory of [top, layerTop, victim, join(top, 'gone')]) mkdirSync(directory, { mode: 0o700 })
  chmodSync(join(top, 'gone'), 0o755)
  using layer = new Tree(layerTop)
  using calm = new Tree(top)
  const facts = calm.facts('gone') ?? assert.fail()
  const step = { do: 'remove', folder: 0, path: 'gone', expected: rowOf(facts) } as const
  const journal = { id: 'x', steps: [step], settled: [], opened: [], linked: [], closed: [], isWhole: true }
  const undo = (host: Tree) => undoSteps(journal, { sides: [{ top, layer, host }], conflicts: 'theirs' })
  rmSync(join(top, 'gone'), { recursive: true })
  undo(calm)
  assert.equal(statSync(join(top, 'gone')).mode & 0o7777, 0o755)
  rmSync(join(top, 'gone'), { recursive: true })
  using hostile = new Swapped(top, 'gone', victim)
  try {
    undo(hostile)
  } catch (error) {
    assert.equal((error as { code: string }).code, 'apply-failed')
  }
  assert.ok(lstatSync(join(top, 'gone')).isSymbolicLink(), 'nothing was swapped')
  assert.equal(statSync(victim).mode & 0o7777, 0o700)
})
