/** What an apply or a try that was killed leaves: it can be given up, looked at, and gone on from. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, linkSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { writeJournal } from '../../src/sandbox/layers/journal.ts'
import { needs } from '../fixtures/needs.ts'
import { openTrial, type Trial } from '../fixtures/trying.ts'

const skip = needs('userns') ?? false
const usnea = fileURLToPath(new URL('../../bin/usnea', import.meta.url))
const files = 120

function fill(folder: string): void {
  for (let n = 0; n < files; n++) {
    const directory = join(folder, `d${n % 50}`)
    mkdirSync(directory, { recursive: true })
    writeFileSync(join(directory, `f${n}`), `file ${n}\n`)
    if (n % 20 === 0) linkSync(join(directory, `f${n}`), join(directory, `hard${n}`))
    if (n % 30 === 0) symlinkSync(`f${n}`, join(directory, `soft${n}`))
  }
}

/** Changes, removals, new files, renames, links and whole directories that go or come. */
const script = [
  'rm -r d1 d2; mkdir d2 && echo again > d2/f2',
  'for f in d3/f* d4/f* d5/f*; do echo changed >> $f; done',
  'rm -f d6/f*; for f in d7/f*; do mv $f $f.moved; done',
  'mkdir -p new/deep; cp -r d8 new/deep/; chmod 0700 d9; ln d10/f10 d10/again; ln -sfn nowhere d11/soft',
  'rm -r d12; echo file > d12; for f in d2[1-9]/f*; do echo more >> $f; done',
].join('\n')

async function killAfter(trial: Trial, args: readonly string[], ms: number): Promise<void> {
  const child = spawn(usnea, args, { cwd: trial.folder, env: trial.env, stdio: 'ignore' })
  const ended = once(child, 'exit')
  await sleep(ms)
  child.kill('SIGKILL')
  await ended
}

test('an interrupted apply may be given up, and leaves no file of ours', { skip }, async () => {
  const trial = openTrial()
  fill(trial.folder)
  trial.try(script, '--layer', 'up')
  for (let ms = 120; !existsSync(join(trial.state, 'usnea/layers/up/apply.journal')) && ms < 2000; ms += 60) {
    await killAfter(trial, ['apply'], ms)
    if (trial.usnea('diff', '--exit-code').status === 0) return // it was faster than we could kill it
  }
  assert.match(trial.usnea('discard').stderr, /half applied/)
  const discarded = trial.usnea('discard', '--force')
  assert.equal(discarded.status, 0, discarded.stderr)
  const left = readdirSync(trial.folder, { recursive: true, encoding: 'utf8' })
  assert.deepEqual(
    left.filter((name) => name.includes('.usnea-')),
    [],
  )
})

test('a layer that an apply has begun to take apart can be discarded', { skip }, () => {
  const trial = openTrial()
  fill(trial.folder)
  trial.try(script, '--layer', 'torn')
  const layer = join(trial.state, 'usnea/layers/torn')
  const nothing = { settled: [], opened: [], linked: [], closed: [], steps: [] }
  writeJournal(join(layer, 'apply.journal'), { id: 'torn', isWhole: true, ...nothing })
  for (const content of ['upper', 'copy']) rmSync(join(layer, '0', content), { recursive: true, force: true })
  const { status, stderr } = trial.usnea('discard', '--layer', 'torn', '--force')
  assert.equal(status, 0, stderr)
  assert.ok(!existsSync(layer))
})

test('kill -9 of a try leaves the host untouched, and a layer that can be looked at and discarded', {
  skip,
}, async () => {
  const trial = openTrial()
  trial.write('file', 'x\n')
  trial.write('other', 'x\n')
  const child = spawn(usnea, ['try', '--layer', 'dead', '--', 'sh', '-c', 'echo y > file; rm other; sleep 1000'], {
    cwd: trial.folder,
    env: trial.env,
    stdio: 'ignore',
  })
  const ended = once(child, 'exit')
  const upper = join(trial.state, 'usnea/layers/dead/0/upper/other')
  for (let round = 0; round < 400 && spawnSync('stat', [upper]).status !== 0; round++) await sleep(25)
  assert.equal(trial.usnea('diff').status, 1, 'it is in use')
  assert.match(trial.usnea('try', '--layer', 'dead', '--', 'true').stderr, /in use/)
  child.kill('SIGKILL')
  await ended
  assert.equal(trial.read('file') + trial.read('other'), 'x\nx\n')
  writeFileSync(join(trial.folder, 'other'), 'host\n')
  const changes = trial.diff()
  assert.equal(changes.get('file')?.conflict, undefined)
  assert.match(String(changes.get('other')?.conflict), /the host changed it/)
  assert.equal(trial.usnea('discard').status, 0)
  assert.deepEqual(readdirSync(join(trial.state, 'usnea/layers')), [])
})
