// Needs script(1), for a terminal: what takes longer than a second says so there, and only there.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { scratch } from '../fixtures/command-line.ts'
import { runtimePath } from '../fixtures/install.ts'
import { findProgram } from '../fixtures/needs.ts'
import { until } from '../fixtures/until.ts'

const usnea = await runtimePath()
const skip = findProgram('script') === undefined ? 'no script(1)' : false
const asked = join(scratch, 'asked')
const go = join(scratch, 'go')
const cache = join(scratch, 'cache')
const slow = join(scratch, 'slow')
const config = join(scratch, 'slow.toml')
writeFileSync(slow, `#!/bin/sh\n: >${asked}\nuntil [ -e ${go} ]; do sleep 0.05; done\nexit 1\n`, { mode: 0o755 })
writeFileSync(config, `[runtimes.slow]\npath = "${slow}"\n`, { mode: 0o600 })

function begin(globals: readonly string[], options: readonly string[], env: Record<string, string> = {}) {
  // An answer of before would be taken from there.
  for (const file of [asked, go, cache]) rmSync(file, { force: true, recursive: true })
  const words = [usnea, ...globals, 'runtimes', ...options, '--config', config, 'show', 'slow']
  const child = spawn('script', ['-qefc', words.join(' '), '/dev/null'], {
    env: { PATH: process.env.PATH, HOME: scratch, XDG_CACHE_HOME: cache, TERM: 'xterm', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (piece) => (text += piece))
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  const letGo = async () => {
    writeFileSync(go, '')
    assert.equal(await ended, 0)
  }
  return { text: () => text, letGo }
}

for (const [title, env] of Object.entries({
  'a terminal': {},
  'NO_COLOR and a dumb one': { NO_COLOR: '1', TERM: 'dumb' },
}))
  test(`${title} shows a line, and nothing is left of it`, { skip }, async () => {
    const { text, letGo } = begin([], [], env)
    await until('the line is there', () => text().includes('usnea: asking the runtimes: '))
    await letGo()
    assert.ok(!text().includes('\u001b'))
    const [before = '', ...after] = text().split('name      slow')
    assert.equal(after.length, 1)
    assert.match(before, /^(\rusnea: asking the runtimes: \d s)+\r +\r$/)
    assert.match(after[0] ?? '', /features/)
  })

for (const [title, globals, options] of [
  ['--json', [], ['--json']],
  ['--log-format json', ['--log-format', 'json'], []],
] as const)
  test(`no line with ${title}`, { skip }, async () => {
    const { text, letGo } = begin(globals, options)
    await until('the runtime is asked', () => existsSync(asked))
    // Longer than the patience of a terminal: there is nothing to wait for.
    await new Promise((resolve) => setTimeout(resolve, 1300))
    await letGo()
    assert.ok(!text().includes('asking'))
  })
