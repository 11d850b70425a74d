/** A sandbox does not outlive whoever started it, however that ends. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { needs } from '../fixtures/needs.ts'

const skip = needs('userns') ?? false
const usnea = fileURLToPath(new URL('../../bin/usnea', import.meta.url))
const library = fileURLToPath(new URL('../../dist/lib/index.js', import.meta.url))

/** Pids of the commands with this word: bin/usnea has it too, and so have the shells that it forks before it becomes Node. */
function pidsWith(word: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const [program, ...args] = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0')
        return program === 'sleep' && args.includes(word)
      } catch {
        return false // it ended while we looked
      }
    })
    .map(Number)
}

async function until(what: () => boolean): Promise<void> {
  for (let round = 0; round < 400; round++) {
    if (what()) return
    await sleep(25)
  }
  assert.fail('it did not come to that')
}

/** Kills the starter with SIGKILL once the command runs, and waits for the command to be gone. */
async function assertDiesWith(starter: string, args: readonly string[], word: string): Promise<void> {
  const child = spawn(starter, args, { stdio: 'ignore' })
  const seen = () => pidsWith(word).filter((pid) => pid !== child.pid)
  await until(() => seen().length > 0)
  child.kill('SIGKILL')
  await once(child, 'exit')
  await until(() => seen().length === 0)
}

test('kill -9 of the command line ends the command', { skip }, async () => {
  const seconds = `${1_000_000 + process.pid}`
  await assertDiesWith(usnea, ['--', 'sleep', seconds], seconds)
})

test('kill -9 of a program that uses the library ends its commands', { skip }, async () => {
  const seconds = `${2_000_000 + process.pid}`
  assert.ok(existsSync(library))
  const script = `import { sandbox } from '${library}'; await sandbox({ cwd: '/' }).run(['sleep', "${seconds}"])`
  await assertDiesWith(process.execPath, ['--input-type=module', '-e', script], seconds)
})

test('a signal at any moment of the beginning ends the command line and leaves no command', { skip }, async () => {
  const seconds = `${4_000_000 + process.pid}`
  for (let round = 0; round < 10; round++) {
    const child = spawn(usnea, ['--', 'sleep', seconds], { stdio: 'ignore' })
    await sleep(Math.random() * 120)
    child.kill('SIGTERM')
    const [code, signal] = await once(child, 'exit')
    assert.ok(code === 128 + 15 || signal === 'SIGTERM', `${code} ${signal}`)
    await until(() => pidsWith(seconds).length === 0)
  }
})

test('a signal to the command line reaches the command, and its end is told', { skip }, async () => {
  const seconds = `${3_000_000 + process.pid}`
  const child = spawn(usnea, ['--', 'sleep', seconds], { stdio: 'ignore' })
  await until(() => pidsWith(seconds).some((pid) => pid !== child.pid))
  child.kill('SIGTERM')
  const [code] = await once(child, 'exit')
  assert.equal(code, 128 + 15)
})
