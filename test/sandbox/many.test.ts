/**
 * Needs user namespaces. Runs by the hundred, or with USNEA_TEST_EFFORT=200 ten thousand of them in a row: no memory,
 * descriptor, mount or process is left behind or kept. USNEA_TEST_EFFORT=5 has two hundred at once.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { type Sandbox, sandbox } from '../../src/sandbox/index.ts'
import { needs } from '../fixtures/needs.ts'
import { allProcesses } from '../fixtures/processes.ts'
import { rounds } from '../fixtures/rounds.ts'
import { until } from '../fixtures/until.ts'

const skip = needs('userns') ?? false
const descriptors = () => readdirSync('/proc/self/fd').length
const children = () => allProcesses().filter(({ parent }) => parent === process.pid).length
const mounts = () => readFileSync('/proc/self/mountinfo', 'utf8').split('\n').length

/** proc_pid_status(5), KiB: what of our memory no file stands behind. */
function ownMemory(): number {
  return Number(/^RssAnon:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1])
}

async function inARow(box: Sandbox, count: number): Promise<void> {
  for (let round = 0; round < count; round++) assert.equal((await box.run(['echo', `${round}`])).stdout, `${round}`)
}

async function assertKeepsNothing(box: Sandbox): Promise<void> {
  // The first few load what is loaded once.
  await inARow(box, 20)
  await box.ready()
  const before = { descriptors: descriptors(), children: children(), mounts: mounts(), memory: ownMemory() }
  await inARow(box, rounds(50))
  await box.ready()
  await until('descriptors are closed and children collected', () => {
    return descriptors() <= before.descriptors && children() <= before.children
  })
  // Others on the machine mount something too, but not once for every run of ours.
  assert.ok(mounts() - before.mounts < rounds(50), 'no mount is left of each run')
  // The heap of a program breathes by some megabytes; 2 KiB kept of each of ten thousand runs would be twenty.
  const grown = ownMemory() - before.memory
  assert.ok(grown < 60_000, `${grown} KiB more than before`)
}

test('runs in a row keep nothing', { skip }, async () => {
  await using box = sandbox({ cwd: '/' })
  await assertKeepsNothing(box)
})

test('runs in a row from a pool keep nothing', { skip }, async () => {
  await using box = sandbox({ cwd: '/' }, { warm: 4 })
  await assertKeepsNothing(box)
})

test('many at once all give their own answer, and keep nothing', { skip }, async () => {
  const before = { descriptors: descriptors(), children: children() }
  {
    await using box = sandbox({ cwd: '/' })
    await inARow(box, 2)
    const count = rounds(40)
    const script = 'cat; echo "$1" >/tmp/own; cat /tmp/own'
    const answers = await Promise.all(
      Array.from({ length: count }, (_, i) => box.run(['sh', '-c', script, 'sh', `${i}`], { input: `in ${i}\n` })),
    )
    assert.deepEqual(
      answers.map(({ stdout }) => stdout),
      Array.from({ length: count }, (_, i) => `in ${i}\n${i}`),
    )
  }
  await until('descriptors are closed', () => descriptors() <= before.descriptors + 4)
  await until('children are collected', () => children() <= before.children)
})
