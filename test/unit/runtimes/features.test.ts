// Asking runtimes what they can do: those that hang, flood, crash, leave children or lie; and the cache.
import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { askFeatures, type FeaturesAnswer, readFeatures } from '../../../src/runtimes/features.ts'
import { featuresOf } from '../../../src/runtimes/features-cache.ts'
import { survey, whyUnfit, withFeatures } from '../../../src/runtimes/survey.ts'
import { until } from '../../fixtures/until.ts'
import { directory, facts, program, registryOf } from './place.ts'

const good = '{"ociVersionMin":"1.0.0","ociVersionMax":"1.2.0","hooks":["prestart"]}'

let count = 0
const runtime = (script: string) => program(`runtimes/${count++}`, `#!/bin/sh\n${script}\n`)
const ask = (path: string, timeout = 10_000) => askFeatures({ path, args: [] }, { env: {}, timeout })

const reasonOf = (answer: FeaturesAnswer) => (answer.kind === 'known' ? 'known' : `${answer.kind}: ${answer.reason}`)

const behaviours: [name: string, script: string, answer: RegExp][] = [
  ['answers', `echo '${good}'`, /^known$/],
  ['answers, and talks on stderr', `echo noise >&2; echo '${good}'`, /^known$/],
  [
    'has no such verb',
    'echo "unknown command features" >&2; exit 1',
    /^unsupported: exit status 1: unknown command features$/,
  ],
  ['crashes', 'kill -SEGV $$', /^failed: it was ended by SIGSEGV$/],
  [
    'floods',
    'while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done',
    /^failed: it answered with more than a mebibyte$/,
  ],
  ['says nothing', '', /^failed: its answer is not JSON$/],
  ['leaves a child that holds its output', `sleep 1000 & echo '${good}'`, /^known$/],
]

for (const [name, script, expected] of behaviours) {
  test(`a runtime that ${name}`, async () => assert.match(reasonOf(await ask(runtime(script))), expected))
}

test('a runtime that hangs is killed with all its children', async () => {
  const pids = join(directory, 'pids')
  const path = runtime(`sleep 1000 & echo $! $$ > ${pids}.new; mv ${pids}.new ${pids}; wait`)
  const answer = ask(path, 500)
  assert.equal(reasonOf(await answer), 'failed: it did not answer within 500 ms and was killed')
  if (!existsSync(pids)) return
  const isGone = (pid: string) =>
    !existsSync(`/proc/${pid}`) || /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  await until('all are gone', () => readFileSync(pids, 'utf8').trim().split(' ').every(isGone))
})

test('a program that cannot be started', async () => {
  assert.equal(reasonOf(await ask('/nowhere')), 'failed: it could not be started: ENOENT')
  assert.match(
    reasonOf(await ask(program('text', 'no program', 0o755))),
    /^failed: it could not be run: exit status 127/,
  )
})

test('it is asked with its own arguments, an environment of three variables, in /', async () => {
  const path = runtime(
    `echo "$# $1 $2 $PWD $(env | cut -d= -f1 | sort | tr '\\n' ' ')" > ${directory}/seen; echo '${good}'`,
  )
  const env = { PATH: process.env.PATH, HOME: '/h', SECRET: 'x', LD_PRELOAD: '', XDG_RUNTIME_DIR: '/r' }
  await askFeatures({ path, args: ['a b'] }, { env })
  assert.match(
    readFileSync(join(directory, 'seen'), 'utf8'),
    /^2 a b features \/ HOME (OLDPWD )?PATH PWD (SHLVL )?XDG_RUNTIME_DIR (_ )?\n$/,
  )
})

const lies: [text: string, reason: RegExp][] = [
  ['[]', /no JSON object/],
  ['{}', /ociVersionMin is no version/],
  ['{"ociVersionMin":"1.0.0","ociVersionMax":"banana"}', /ociVersionMax is no version/],
  ['{"ociVersionMin":"1.1.0","ociVersionMax":"1.0.2-dev"}', /ociVersionMin is higher/],
  ['{"ociVersionMin":"1.0.0","ociVersionMax":"1.0.0","hooks":[1]}', /hooks is no list of texts/],
  ['{"ociVersionMin":"1.0.0","ociVersionMax":"1.0.0","mountOptions":"ro"}', /mountOptions is no list of texts/],
  ['{"ociVersionMin":"1.0.0","ociVersionMax":"1.0.0","linux":[]}', /linux is no object/],
  ['{"ociVersionMin":"1.0.0","ociVersionMax":"1.0.0","annotations":3}', /annotations is no object/],
]

for (const [text, reason] of lies) {
  test(`a runtime that says ${text} of itself is not believed`, () =>
    assert.match(reasonOf(readFeatures(text)), reason))
}

test('what may be left out may also be null', () =>
  assert.equal(
    readFeatures('{"ociVersionMin":"1.0.0","ociVersionMax":"1.0.2-dev","hooks":null,"linux":null}').kind,
    'known',
  ))

/** A runtime that counts how often it is asked. */
function counted(status = 0) {
  const calls = join(directory, `calls-${count}`)
  const path = runtime(`echo >> ${calls}; echo '${good}'; exit ${status}`)
  return { path, calls: () => (existsSync(calls) ? readFileSync(calls, 'utf8').length : 0) }
}

test('an answer is kept while the program is the same file', async () => {
  const cache = join(directory, 'cache')
  const { path, calls } = counted()
  const again = (args: string[] = []) => featuresOf({ path, args }, { env: {}, cache })
  const first = await again()
  assert.equal(first.kind, 'known')
  assert.deepEqual(await again(), first)
  assert.equal(calls(), 1)
  assert.equal(statSync(join(cache, 'features.json')).mode & 0o777, 0o600)
  await again(['--debug'])
  assert.equal(calls(), 2, 'other arguments are another runtime')
  await featuresOf({ path, args: [] }, { env: {}, cache, isFresh: true })
  assert.equal(calls(), 3)
  const text = readFileSync(path, 'utf8')
  writeFileSync(path, text)
  // Even where the old time is put back, the file was changed.
  utimesSync(path, statSync(path).atime, new Date(0))
  await again()
  assert.equal(calls(), 4)
  rmSync(path)
  program(path.slice(directory.length + 1), text)
  await again()
  assert.equal(calls(), 5)
})

test('a runtime that has no such verb is not asked again; one that failed is', async () => {
  const cache = join(directory, 'cache-2')
  const [lacking, hanging] = [counted(1), runtime('exec sleep 1000')]
  for (const _ of [1, 2]) await featuresOf({ path: lacking.path, args: [] }, { env: {}, cache })
  assert.equal(lacking.calls(), 1)
  for (const _ of [1, 2]) await featuresOf({ path: hanging, args: [] }, { env: {}, cache, timeout: 100 })
  assert.equal(Object.keys(JSON.parse(readFileSync(join(cache, 'features.json'), 'utf8')).answers).length, 1)
})

test('a cache that is damaged or cannot be written costs a call, no more', async () => {
  const cache = join(directory, 'cache-3')
  program('cache-3/features.json', '{"version":1,"answers":[')
  const { path, calls } = counted()
  const wish = { env: {}, cache }
  assert.equal((await featuresOf({ path, args: [] }, wish)).kind, 'known')
  assert.equal((await featuresOf({ path, args: [] }, wish)).kind, 'known')
  assert.equal(calls(), 1)
  assert.equal((await featuresOf({ path, args: [] }, { env: {}, cache: join(path, 'no-directory') })).kind, 'known')
})

test('[F] 2.9 one bad runtime stops no other one: each is judged by itself', async () => {
  const hanging = runtime('exec /bin/sleep 1000')
  const registry = registryOf(
    `[runtimes.good]\npath = "${counted().path}"\n[runtimes.bad]\npath = "${hanging}"\n[runtimes.gone]\npath = "/nowhere"\n`,
  )
  const found = await withFeatures(survey(registry), {
    env: facts.env,
    cache: join(directory, 'cache-4'),
    timeout: 500,
  })
  const verdicts = Object.fromEntries(found.map((one) => [one.name, whyUnfit(one)]))
  assert.equal(verdicts.good, undefined)
  assert.match(verdicts.bad ?? '', /did not answer within 500 ms/)
  assert.match(verdicts.gone ?? '', /error while looking up the specified runtime path: exec: "\/nowhere"/)
})
