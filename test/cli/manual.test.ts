/** Manual pages as the build writes them: one a verb, rendered without a warning; and help that begins with examples. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { beforeVerbs, readVerbs } from '../../src/cli/completion/table.ts'
import { verbs } from '../../src/cli/verbs.ts'
import { repository } from '../fixtures/install.ts'
import { needs } from '../fixtures/needs.ts'

const folder = join(repository, 'dist/man')
const pages = readdirSync(folder).map((name) => join(folder, name))

test('every verb has a page', async () => {
  const entries = await readVerbs(verbs)
  const names = entries
    .flatMap((entry) => [entry, ...entry.parts])
    .map(({ name }) => `usnea-${name.replaceAll(' ', '-')}.1`)
  assert.deepEqual(readdirSync(folder).sort(), ['usnea.1', ...names].sort())
})

test('groff has nothing to say about any of them', { skip: needs('groff') ?? false }, () => {
  const { status, stderr } = spawnSync('groff', ['-z', '-ww', '-man', '-Tutf8', ...pages], { encoding: 'utf8' })
  assert.deepEqual([status, stderr], [0, ''])
})

test('man shows what the help says', { skip: needs('man', 'groff') ?? false }, () => {
  const env = { ...process.env, MANWIDTH: '120', LC_ALL: 'C.UTF-8', MAN_KEEP_FORMATTING: '', GROFF_NO_SGR: '1' }
  const shown = spawnSync('man', ['--warnings', '-P', 'cat', '-l', join(folder, 'usnea-sandbox.1')], {
    env,
    encoding: 'utf8',
  })
  assert.equal(shown.stderr, '')
  const text = shown.stdout.replaceAll(new RegExp(`.${String.fromCharCode(8)}`, 'g'), '')
  for (const flag of beforeVerbs().flags.filter(({ name }) => ['rw', 'allow-host', 'explain'].includes(name)))
    assert.ok(text.replace(/\s+/g, ' ').includes(flag.help.replace(/\s+/g, ' ')), flag.help)
  assert.ok(text.includes("usnea --rw . --allow-host 'registry.example.org:443' -- npm install"), text)
})

test('help shows examples before the options', () => {
  const bin = join(repository, 'bin/usnea')
  for (const words of [['--help'], ['run', '--help'], ['task', 'logs', '--help']]) {
    const help = execFileSync(bin, words, { encoding: 'utf8' })
    assert.ok(help.indexOf('EXAMPLES:') > 0 && help.indexOf('EXAMPLES:') < help.indexOf('OPTIONS:'), help)
  }
})
