/** What is tried leaves the host as it was, is told, and becomes real only when it is applied. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  readdirSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { needs } from '../fixtures/needs.ts'
import { backends, describeTree, openTrial, type Trial } from '../fixtures/trying.ts'

const skip = needs('userns') ?? false

/** Something of everything. */
function fill({ folder, write }: Trial): void {
  write('gone', 'gone\n')
  write('edited', 'one\ntwo\nthree\n')
  write('moved', 'that moves\n')
  write('meta', 'same\n')
  write('tree/deep/file', 'deep\n')
  write('tree/other', 'other\n')
  write('becomes-directory', 'file\n')
  write('becomes-file/inside', 'inside\n')
  write('first', 'two names\n')
  linkSync(join(folder, 'first'), join(folder, 'second'))
  symlinkSync('edited', join(folder, 'link'))
}

const script = [
  'rm gone',
  'printf "one\\nTWO\\nthree\\n" > edited',
  'mv moved tree/arrived',
  'chmod 0600 meta',
  'rm -r tree/deep && mkdir tree/deep && echo new > tree/deep/fresh',
  'rm becomes-directory && mkdir becomes-directory && echo in > becomes-directory/in',
  'rm -r becomes-file && echo file > becomes-file',
  'ln first third',
  'ln -sfn gone link',
  'mkdir -m 0711 made && ln -s ../edited made/link',
  'echo sparse > hole && truncate -s 10M hole',
].join('; ')

const expected = {
  gone: 'removed',
  edited: 'changed',
  'tree/arrived': 'renamed',
  meta: 'changed',
  'tree/deep/file': 'removed',
  'tree/deep/fresh': 'added',
  'becomes-directory': 'changed',
  'becomes-directory/in': 'added',
  'becomes-file': 'changed',
  'becomes-file/inside': 'removed',
  third: 'added',
  link: 'changed',
  made: 'added',
  'made/link': 'added',
  hole: 'added',
}

for (const { name: backend, skip } of backends)
  test(`${backend}: the host stays as it is, the diff tells all, and apply makes it so`, { skip }, () => {
    const trial = openTrial()
    fill(trial)
    const before = describeTree(trial.folder)
    const said = trial.try(script, '--backend', backend)
    assert.match(said, new RegExp(`layer [a-z0-9-]+ \\(${backend}\\): .*the host is unchanged`))
    assert.deepEqual(describeTree(trial.folder), before)

    const changes = trial.diff()
    assert.deepEqual(Object.fromEntries([...changes].map(([path, { change }]) => [path, change])), expected)
    assert.deepEqual(changes.get('meta')?.differs, ['mode'])
    assert.equal(changes.get('tree/arrived')?.from, join(trial.folder, 'moved'))
    assert.equal(changes.get('edited')?.text, '@@ -1,3 +1,3 @@\n one\n-two\n+TWO\n three\n')

    const measure = openTrial()
    fill(measure)
    assert.equal(spawnSync('sh', ['-ec', script], { cwd: measure.folder }).status, 0)
    const { status, stderr } = trial.usnea('apply')
    assert.equal(status, 0, stderr)
    assert.deepEqual(describeTree(trial.folder), describeTree(measure.folder))
    assert.ok(statSync(join(trial.folder, 'hole')).blocks < 1000, 'holes are kept')
    assert.equal(trial.usnea('layers', '-q').stdout, '', 'a layer without a name of its own is gone')
  })

test('extended attributes are told and applied', { skip: skip || (needs('python3') ?? false) }, () => {
  const trial = openTrial()
  trial.write('file', 'x')
  const python = (code: string) => `python3 -c 'import os; ${code}'`
  trial.try(python('os.setxattr("file", "user.note", b"hello")'))
  assert.deepEqual(trial.diff().get('file')?.differs, ['xattrs'])
  assert.equal(trial.usnea('apply').status, 0)
  trial.try(`${python('print(os.getxattr("file", "user.note"))')} | grep hello`)
})

test('several commands stack in a named layer, which lives on; paths are applied alone', { skip }, () => {
  const trial = openTrial()
  trial.write('a', 'a\n')
  trial.write('b', 'b\n')
  trial.try('echo 1 >> a; mkdir d; echo d > d/e', '--layer', 'stack')
  trial.try('grep 1 a; echo 2 >> a; rm b', '--layer', 'stack')
  assert.deepEqual([...trial.diff().keys()], ['a', 'b', 'd', 'd/e'])
  assert.equal(trial.usnea('apply', 'd/e').status, 0)
  assert.equal(trial.read('d/e'), 'd\n', 'the directory around is made as well')
  assert.equal(trial.read('a'), 'a\n')
  assert.deepEqual([...trial.diff().keys()], ['a', 'b'])
  trial.write('d/later', 'of the host\n')
  trial.try('cat d/later; echo more >> d/e', '--layer', 'stack')
  assert.equal(trial.usnea('apply').status, 0)
  assert.equal(trial.read('a'), 'a\n1\n2\n')
  assert.ok(!existsSync(join(trial.folder, 'b')))
  assert.equal(trial.usnea('layers', '-q').stdout, 'stack\n')
  assert.equal(trial.usnea('diff', '--exit-code').status, 0)
})

test('what the host changed meanwhile is never overwritten in silence', { skip }, () => {
  const trial = openTrial()
  for (const name of ['a', 'b', 'c', 'd', 'both/x', 'whole/x']) trial.write(name, `${name}\n`)
  trial.try('for f in a b c d; do echo try > $f; done; echo try > new; rm -r whole; echo try > both/y')
  writeFileSync(join(trial.folder, 'a'), 'host\n')
  writeFileSync(join(trial.folder, 'new'), 'host\n')
  writeFileSync(join(trial.folder, 'whole/later'), 'host\n')
  chmodSync(join(trial.folder, 'd'), 0o600)
  trial.write('both/y', 'host\n')
  const before = describeTree(trial.folder)
  const refused = trial.usnea('apply')
  assert.equal(refused.status, 1)
  for (const name of ['a', 'new', 'd', 'both/y', 'whole/later'])
    assert.match(refused.stderr, new RegExp(`/${name} \\(the host (changed|made) it since\\)`))
  assert.doesNotMatch(refused.stderr, /work\/(b|c) /)
  assert.deepEqual(describeTree(trial.folder), before, 'nothing was applied')
  assert.equal(trial.usnea('apply', 'b').status, 0)
  assert.equal(trial.usnea('apply', '--theirs').status, 0)
  assert.deepEqual(['a', 'b', 'c', 'd', 'new', 'whole/later'].map(trial.read), [
    'host\n',
    'try\n',
    'try\n',
    'd\n',
    'host\n',
    'host\n',
  ])
  trial.try('echo try > a', '--layer', 'forced')
  writeFileSync(join(trial.folder, 'a'), 'again\n')
  assert.equal(trial.usnea('apply').status, 1)
  assert.equal(trial.usnea('apply', '--force').status, 0)
  assert.equal(trial.read('a'), 'try\n')
})

test('what the host changes while the command runs counts too', { skip }, () => {
  const trial = openTrial()
  trial.write('shared', 'start\n')
  trial.write('kept', 'start\n')
  trial.write('out/signal', '')
  // The command tells the host through a directory that is let through, and waits for its change.
  const out = join(trial.folder, '..', 'out')
  const host = `while [ ! -e ${out}/ready ]; do sleep 0.05; done; echo host > shared; rm kept; touch ${out}/done`
  const script = `touch ${out}/ready; while [ ! -e ${out}/done ]; do sleep 0.05; done; echo try > shared; echo new > fresh`
  const { status, stdout } = trialWithHost(trial, { out, host, script })
  assert.equal(status, 0, stdout)
  const changes = trial.diff()
  assert.match(String(changes.get('shared')?.conflict), /while the command ran/)
  assert.equal(changes.get('fresh')?.conflict, undefined)
})

function trialWithHost(trial: Trial, { out, host, script }: { out: string; host: string; script: string }) {
  const { folder, env } = trial
  const usnea = new URL('../../bin/usnea', import.meta.url).pathname
  const line = `mkdir -p ${out}; (cd ${folder}; ${host}) & ${usnea} try --rw ${out} -- sh -ec '${script}'; status=$?; wait; exit $status`
  const { status, stdout } = spawnSync('sh', ['-c', line], { cwd: folder, env, encoding: 'utf8' })
  return { status, stdout }
}

test('hard links that the host has elsewhere do not turn a partial apply into a conflict', { skip }, () => {
  const trial = openTrial()
  trial.write('one', 'same\n')
  linkSync(join(trial.folder, 'one'), join(trial.folder, 'two'))
  trial.try('echo 1 > one; rm two; echo 2 > two')
  assert.equal(trial.usnea('apply', 'one').status, 0)
  const { status, stderr } = trial.usnea('apply')
  assert.equal(status, 0, stderr)
  assert.deepEqual(['one', 'two'].map(trial.read), ['1\n', '2\n'])
  assert.equal(lstatSync(join(trial.folder, 'one')).nlink, 1)
})

test('a discarded layer leaves nothing, whatever modes its directories have', { skip }, () => {
  const trial = openTrial()
  trial.write('file', 'x\n')
  trial.try('mkdir -p shut/in/side; echo x > shut/in/file; chmod 0 shut/in shut; rm file; mkdir file')
  assert.equal(trial.usnea('discard').status, 0)
  assert.deepEqual(readdirSync(join(trial.state, 'usnea/layers')), [])
  assert.equal(trial.read('file'), 'x\n')
})

test('the layers are listed and shown, and a wrong name is told', { skip }, () => {
  const trial = openTrial()
  trial.try('true', '--layer', 'seen')
  assert.match(trial.usnea('layers').stdout, /^NAME .*\nseen +overlay +/)
  assert.match(trial.usnea('layers', 'show', 'seen').stdout, new RegExp(`folder +${trial.folder}\n`))
  assert.match(trial.usnea('diff', '--layer', 'not-there').stderr, /there is no layer called not-there/)
  assert.match(trial.usnea('try', '--layer', '../up', '--', 'true').stderr, /no name of a layer/)
  assert.equal(trial.usnea('try', '--layer', 'seen', '--dir', '/usr', '--', 'true').status, 125)
  assert.equal(trial.usnea('layers', 'remove', 'seen').status, 0)
  assert.match(trial.usnea('diff').stderr, /there is no layer/)
})

test('everything that the user could change may be tried, the home directory among it', { skip }, () => {
  const trial = openTrial()
  const name = `.usnea-test-${process.pid}`
  trial.try(`echo x > "$HOME/${name}"`, '--all', '--layer', 'all')
  const { stdout } = trial.usnea('diff', '--layer', 'all', '--name-only')
  assert.match(stdout, new RegExp(`/${name.replaceAll('.', '\\.')}\n`))
  assert.ok(!existsSync(join(process.env.HOME ?? '/', name)))
  trial.usnea('discard', '--layer', 'all')
})

test('a link of the folder is tried where it leads', { skip }, () => {
  const trial = openTrial()
  trial.write('real/file', 'x\n')
  symlinkSync('real', join(trial.folder, 'way'))
  trial.try(`echo y > ${trial.folder}/real/file`, '--dir', 'way')
  assert.deepEqual([...trial.diff().keys()], ['real/file'])
  assert.equal(readlinkSync(join(trial.folder, 'way')), 'real')
})
