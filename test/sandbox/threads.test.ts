/** The library where a program has several of it: in worker threads, some of which are ended in the middle of a run, and as two copies. */
import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readdirSync, rmdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import type * as Library from '../../src/index.ts'
import { ownCgroups } from '../fixtures/cgroups.ts'
import { repository } from '../fixtures/install.ts'
import { needs } from '../fixtures/needs.ts'
import { allProcesses } from '../fixtures/processes.ts'
import { runDirectory } from '../fixtures/run-directory.ts'
import { pidsOf } from '../fixtures/scene.ts'
import { until } from '../fixtures/until.ts'

const skip = needs('userns') ?? false
const library = pathToFileURL(join(repository, 'dist/lib/index.js')).href
const children = () => allProcesses().filter(({ parent }) => parent === process.pid)
const descriptors = () => readdirSync('/proc/self/fd').length
let marks = 0
const newMarker = () => `${7_000_000 + process.pid * 100 + marks++}`

/** A thread with the library, and what `body` does in it: it may use `sandbox`, `say` and `marker`. */
function thread(body: string, marker = ''): Worker {
  const source = `
    const { parentPort } = require('node:worker_threads')
    const say = (message) => parentPort.postMessage(message)
    const marker = ${JSON.stringify(marker)}
    import(${JSON.stringify(library)}).then(async ({ sandbox, isRuntimeError }) => { ${body} })`
  return new Worker(source, { eval: true })
}

/** All that it said, when it has ended. */
function saidBy(worker: Worker): Promise<unknown[]> {
  const said: unknown[] = []
  return new Promise((done, fail) => {
    worker.on('message', (message) => said.push(message))
    worker.on('error', fail)
    worker.on('exit', () => done(said))
  })
}

test('several threads run commands at once, warm and cold, and each gets its own answers', { skip }, async () => {
  const body = (name: string) => `
    const box = sandbox({ cwd: '/', env: { WHO: '${name}' } }, { warm: ${name === 'a' ? 0 : 2} })
    await box.ready()
    const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => box.run(['sh', '-c', 'cat; echo $WHO ' + i], { input: 'in ' })))
    for (const { stdout } of answers) say(stdout)
    const failed = await box.run(['no-such'], { reject: false })
    say([failed.code, isRuntimeError(failed)])
    const slow = await box.run(['sleep', '100'], { timeout: 50, reject: false })
    say([slow.code, slow.signal])
    await box.close()`
  const names = ['a', 'b', 'c']
  const threads = names.map((name) => saidBy(thread(body(name))))
  const { sandbox } = (await import(library)) as typeof Library
  await using box = sandbox({ cwd: '/' })
  assert.equal((await box.run(['echo', 'from the main one'])).stdout, 'from the main one')
  for (const [i, said] of (await Promise.all(threads)).entries())
    assert.deepEqual(said, [
      ...Array.from({ length: 10 }, (_, k) => `in ${names[i]} ${k}`),
      ['exec-not-found', true],
      ['command-timed-out', 'SIGTERM'],
    ])
})

for (const [what, options, settings] of [
  ['cold', '{}', '{}'],
  ['from a pool', '{}', '{ warm: 3 }'],
  ['with limits', "{ memory: '100M', pids: 20, accept: ['limits'] }", '{}'],
] as const)
  test(`a thread that is ended in the middle of a run takes its processes with it: ${what}`, { skip }, async () => {
    const marker = newMarker()
    const body = `
      const box = sandbox({ cwd: '/', ...${options} }, ${settings})
      await box.ready()
      const script = "trap '' TERM; (setsid sleep " + marker + " &) ; sleep " + marker
      const commands = Array.from({ length: 4 }, () => box.spawn(['sh', '-c', script]))
      const shell = box.shell()
      await shell.run('sleep ' + marker + ' &')
      say('up')`
    const had = { children: children().length, descriptors: descriptors() }
    const worker = thread(body, marker)
    await new Promise((done) => worker.once('message', done))
    await until('the commands run', () => pidsOf(marker).length >= 9)
    await worker.terminate()
    await until('nothing of them is left', () => pidsOf(marker).length === 0)
    await until('their first processes are collected', () => children().length <= had.children)
    await until('their descriptors are closed', () => descriptors() <= had.descriptors)
  })

/** A thread that is terminated cannot take its cgroups away; the next usnea does that when this program has ended. */
after(() => {
  for (const { base } of ownCgroups())
    for (const name of readdirSync(base))
      if (name.startsWith('usnea-box-') && name.includes(`-${process.pid.toString(36)}-`)) rmdirSync(join(base, name))
})

test('a thread that is ended at any moment leaves no process', { skip }, async () => {
  const marker = newMarker()
  const body = `
    const box = sandbox({ cwd: '/' }, { warm: 1 })
    say('up')
    for (;;) await Promise.all([box.run(['sleep', '0.01']), box.run(['timeout', '0.02', 'sleep', marker], { reject: false })])`
  const had = children().length
  for (let round = 0; round < 8; round++) {
    const worker = thread(body, marker)
    await new Promise((done) => worker.once('message', done))
    await new Promise((done) => setTimeout(done, Math.random() * 80))
    await worker.terminate()
  }
  await until('nothing runs', () => pidsOf(marker).length === 0)
  await until('nothing is left', () => children().length <= had)
})

test('two copies of the package in one program have pools and commands of their own', { skip }, async () => {
  const copies = [0, 1].map((i) => {
    const place = mkdtempSync(join(runDirectory(), `copy-${i}-`))
    for (const part of ['package.json', 'dist', 'bin', 'native/build'])
      cpSync(join(repository, part), join(place, part), { recursive: true })
    symlinkSync(join(repository, 'node_modules'), join(place, 'node_modules'))
    return pathToFileURL(join(place, 'dist/lib/index.js')).href
  })
  const [one, other] = (await Promise.all(copies.map((copy) => import(copy)))) as (typeof Library)[]
  assert.ok(one && other && one.sandbox !== other.sandbox)
  const had = children().length
  {
    await using first = one.sandbox({ cwd: '/', env: { WHO: 'first' } }, { warm: 2 })
    await using second = other.sandbox({ cwd: '/', env: { WHO: 'second' } }, { warm: 2 })
    await Promise.all([first.ready(), second.ready()])
    const running = Array.from({ length: 40 }, (_, i) => (i % 2 ? first : second).run(['sh', '-c', `echo $WHO ${i}`]))
    const answers = await Promise.all(running)
    assert.deepEqual(
      answers.map(({ stdout }) => stdout),
      answers.map((_, i) => `${i % 2 ? 'first' : 'second'} ${i}`),
    )
    // Closing one lets the other go on.
    await first.close()
    assert.equal((await second.run(['echo', 'still'])).stdout, 'still')
    const failed = await second.run(['false'], { reject: false })
    assert.deepEqual([failed instanceof other.SandboxError, failed instanceof one.SandboxError], [true, false])
  }
  await until('nothing of either is left', () => children().length <= had)
})
