/**
 * A command that makes a daemon of a part of itself (forks twice, begins a session, listens to no signal) ends with all of
 * it, however it ends, and its result says how. When the result is there, nothing of it is left.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Sandbox, type SandboxedProcess, type SandboxResult, type SpawnOptions, sandbox } from '../../src/index.ts'
import { needs } from '../fixtures/needs.ts'
import { refusing } from '../fixtures/refusing.ts'
import { pidsOf } from '../fixtures/scene.ts'

const isL = process.env.USNEA_TREE_LEVEL === 'L'
const skip = needs('userns', 'python3') ?? false
let runs = 0

const daemon = (marker: string) =>
  `(setsid sh -c "trap '' TERM HUP INT QUIT; sleep ${marker} & sleep ${marker} & wait; sleep ${marker}" &) & `
/** It is up when its daemon is. The daemon keeps stdout open, so that the end of the stream is the end of the tree. */
const polite = (marker: string) =>
  `trap 'echo saved; exit 7' TERM; ${daemon(marker)} sleep 0.1; echo up; while :; do sleep 0.02; done`
const deaf = (marker: string) => `trap '' TERM; ${daemon(marker)} sleep 0.1; echo up; while :; do sleep 0.02; done`

interface Case {
  readonly name: string
  readonly script: (marker: string) => string
  readonly options?: SpawnOptions
  /** What is done when it is up. */
  readonly end?: (command: SandboxedProcess, controller: AbortController) => unknown
  readonly expected: Partial<SandboxResult>
}

const asked = { exitCode: 7, signal: undefined, isForcefullyTerminated: false }
const forced = { exitCode: undefined, signal: 'SIGKILL', isForcefullyTerminated: true }
const no = { timedOut: false, isCanceled: false }
const soon = { forceKillAfterDelay: 100 }
const timedOut = { timedOut: true, isCanceled: false, code: 'command-timed-out' } as const
const canceled = { timedOut: false, isCanceled: true, code: 'command-canceled' } as const

const cases: readonly Case[] = [
  {
    name: 'its own end',
    script: (marker) => `${daemon(marker)} sleep 0.1; echo up; exit 3`,
    expected: { exitCode: 3, ...no },
  },
  { name: 'a time-out that it hears', script: polite, options: { timeout: 700 }, expected: { ...asked, ...timedOut } },
  {
    name: 'a time-out that it does not hear',
    script: deaf,
    options: { timeout: 700, ...soon },
    expected: { ...forced, ...timedOut },
  },
  {
    name: 'a time-out that does not ask',
    script: polite,
    options: { timeout: 700, forceKillAfterDelay: 0 },
    expected: { exitCode: undefined, signal: 'SIGKILL', ...timedOut },
  },
  {
    name: 'an abort that it hears',
    script: polite,
    end: (_, controller) => controller.abort(),
    expected: { ...asked, ...canceled },
  },
  {
    name: 'an abort that it does not hear',
    script: deaf,
    options: soon,
    end: (_, controller) => controller.abort(),
    expected: { ...forced, ...canceled },
  },
  {
    name: 'kill() that it hears',
    script: polite,
    end: (command) => command.kill(),
    expected: { ...asked, ...no, code: 'command-failed' },
  },
  {
    name: 'kill() that it does not hear',
    script: deaf,
    options: soon,
    end: (command) => command.kill(),
    expected: { ...forced, ...no, code: 'command-killed' },
  },
  {
    name: "kill('SIGKILL')",
    script: deaf,
    end: (command) => command.kill('SIGKILL'),
    expected: { exitCode: undefined, signal: 'SIGKILL', ...no, code: 'command-killed' },
  },
  {
    name: 'disposing it',
    script: deaf,
    end: (command) => void command[Symbol.asyncDispose](),
    expected: { exitCode: undefined, signal: 'SIGKILL', ...no },
  },
]

async function assertEnds(box: Sandbox, { script, options, end, expected }: Case): Promise<void> {
  const marker = `${6_000_000 + process.pid * 100 + runs++}`
  const controller = new AbortController()
  const command = box.spawn(['sh', '-c', script(marker)], { ...options, cancelSignal: controller.signal })
  assert.ok(command.stdout)
  await once(command.stdout, 'data')
  if (expected.exitCode !== 3) assert.ok(pidsOf(marker).length >= 2, 'its daemon runs')
  end?.(command, controller)
  const result = await command.exited
  assert.deepEqual(pidsOf(marker), [], 'nothing of it is left')
  const told = Object.keys(expected).map((key) => [key, result[key as keyof SandboxResult]])
  assert.deepEqual(Object.fromEntries(told), expected)
}

const policy = { cwd: '/', minLevel: isL ? 'L' : 'U0' } as const
for (const one of cases) {
  test(`${one.name} ends all of it`, { skip }, async () => {
    await using box = sandbox(policy)
    assert.equal(box.level === 'L', isL)
    await assertEnds(box, one)
  })
  test(`${one.name} ends all of it where a sandbox waited`, { skip: skip || isL }, async () => {
    await using box = sandbox(policy, { warm: 1 })
    await box.ready()
    await assertEnds(box, one)
  })
}

test('closing a sandbox that has just begun a hundred commands ends all of them, and leaves no dead ones', {
  skip,
}, async () => {
  const marker = `${6_000_000 + process.pid * 100 + 99}`
  const box = sandbox(policy)
  const commands = Array.from({ length: 100 }, () => box.spawn(['sleep', marker]))
  await box.close()
  assert.deepEqual(pidsOf(marker), [])
  for (const { exited } of commands) assert.equal((await exited).signal, 'SIGKILL')
  const list = execFileSync('ps', ['-o', 'stat=,comm=', '--ppid', `${process.pid}`], { encoding: 'utf8' })
  assert.doesNotMatch(list, /^Z.*memfd:usnea/m)
})

test('at level L too', { skip: skip || isL }, () => {
  const here = fileURLToPath(import.meta.url)
  const tsx = join(dirname(here), '../../node_modules/tsx/dist/esm/index.mjs')
  const [file = '', ...args] = refusing([process.execPath, '--import', tsx, here])
  const env = { ...process.env, USNEA_TREE_LEVEL: 'L', NODE_TEST_CONTEXT: undefined }
  const told = execFileSync(file, args, { env, encoding: 'utf8', timeout: 60_000 })
  assert.match(told, /^[#ℹ] fail 0$/m, told)
})
