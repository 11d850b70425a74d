// Needs a static busybox for the last one, otherwise nothing: the log file holds exactly one error for a call that failed, and nothing for one that did not.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { testAs } from '../fixtures/cases.ts'
import { call, scratch, stateRoot, usneaAsIs } from '../fixtures/command-line.ts'
import { succeeded } from '../fixtures/world.ts'

const fresh = (name: string) => join(scratch, `${name}-${Math.random().toString(36).slice(2)}.log`)

test('a JSON log file is one object with level, msg and time', () => {
  const file = fresh('json')
  const outcome = call('--log', file, '--log-format', 'json', 'state', 'gone')
  assert.equal(outcome.status, 1)
  const text = readFileSync(file, 'utf8')
  const entry = JSON.parse(text)
  assert.deepEqual(Object.keys(entry), ['level', 'msg', 'time'])
  assert.equal(entry.level, 'error')
  assert.match(entry.msg, /container does not exist/)
  assert.ok(!Number.isNaN(Date.parse(entry.time)))
  assert.equal(text, `${JSON.stringify(entry)}\n`)
  assert.equal(outcome.stderr, `${entry.msg}\n`)
})

test('a text log file holds one line, and stderr the plain words', () => {
  const file = fresh('text')
  const { stderr } = call('--log', file, 'state', 'gone')
  assert.match(readFileSync(file, 'utf8'), /^time="[^"]+" level=error msg="[^"]*container does not exist[^"]*"\n$/)
  assert.match(stderr, /^[^\n]*container does not exist[^\n]*\n$/)
  assert.doesNotMatch(stderr, /level=/)
})

test('without a log file the one line goes to stderr, in either format', () => {
  assert.match(call('state', 'gone').stderr, /^time="[^"]+" level=error msg="[^\n]*"\n$/)
  const { stderr } = call('--log-format', 'json', 'state', 'gone')
  assert.equal(JSON.parse(stderr).level, 'error')
})

test('a log file is appended to, and a call that succeeds adds nothing', () => {
  const file = fresh('appended')
  writeFileSync(file, '{"level":"error","msg":"older","time":""}\n')
  call('--log', file, '--log-format', 'json', 'state', 'gone')
  call('--log', file, '--log-format', 'json', 'delete', '--force', 'gone')
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  assert.equal(lines.length, 2)
  assert.match(lines[1] ?? '', /does not exist/)
})

test('--log=file:PATH is the same as --log PATH', () => {
  const file = fresh('prefixed')
  call(`--log=file:${file}`, 'state', 'gone')
  assert.ok(statSync(file).size > 0)
})

test('a log file that cannot be written is an error of its own, and nothing is done', () => {
  mkdirSync(join(scratch, 'directory'), { recursive: true })
  for (const file of [join(scratch, 'nowhere', 'log'), join(scratch, 'directory')]) {
    const { status, stderr } = usneaAsIs('--root', stateRoot, '--log', file, 'create', 'id')
    assert.equal(status, 1)
    assert.match(stderr, /log file/)
    assert.ok(!existsSync(join(stateRoot, 'id')))
  }
})

test('--debug tells more, and the error stays the last line', () => {
  const file = fresh('debug')
  call('--debug', '--log', file, '--log-format', 'json', 'state', 'gone')
  const lines = readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { level: string })
  assert.equal(lines.at(-1)?.level, 'error')
  assert.equal(lines.filter(({ level }) => level === 'error').length, 1)
})

testAs({}, 'at debug level the lines say which part of us did what', async (world) => {
  const bundle = await world.bundle((config) => {
    config.process.args = ['true']
  })
  const file = join(world.identity.home, 'debug.log')
  const globals = ['--debug', '--log', file, '--log-format', 'json']
  assert.equal(succeeded(await world.usnea([...globals, 'run', '--bundle', bundle.path, world.newId()])), '')
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  const entries = lines.map((line) => JSON.parse(line) as { level: string; func?: string; msg: string })
  assert.ok(entries.every(({ level }) => level !== 'error'))
  assert.ok(entries.some(({ func, msg }) => func === 'create' && /^a plan of \d+ ops/.test(msg)))
  assert.ok(
    entries.some(({ func, msg }) => func === 'create' && /^the first process of the container is \d+$/.test(msg)),
  )
  for (const line of lines) assert.deepEqual(Object.keys(JSON.parse(line)), Object.keys(JSON.parse(line)).toSorted())
})
