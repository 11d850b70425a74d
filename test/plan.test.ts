/** `usnea plan`: what create would do with the default configuration, every op with its origin, and nothing done. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { opShapes } from '../src/kernel/plan-def.ts'

const usnea = fileURLToPath(new URL('../bin/usnea', import.meta.url))
const bundle = mkdtempSync(join(tmpdir(), 'usnea-plan-'))
mkdirSync(join(bundle, 'rootfs'))
const state = join(bundle, 'state')
after(() => rmSync(bundle, { recursive: true, force: true }))

const run = (...args: string[]) => execFileSync(usnea, ['--root', state, ...args], { encoding: 'utf8' })

test('every op of the default spec is printed with its phase and its origin', () => {
  run('spec', '--bundle', bundle)
  const table = run('plan', '--bundle', bundle)
  const { ops } = JSON.parse(run('plan', '--json', '--bundle', bundle)) as { ops: { op: string; origin: string }[] }
  const rows = table.split('\n').filter((line) => /^\s*\d+\s/.test(line))
  assert.equal(rows.length, ops.length)
  for (const [i, { origin }] of ops.entries()) {
    assert.match(origin, /^\//)
    assert.ok(rows[i]?.trimEnd().endsWith(origin), rows[i])
  }
  assert.ok(ops.length > 40)
  const known = new Set(
    Object.keys(opShapes).map((name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)),
  )
  assert.deepEqual(
    ops.filter(({ op }) => !known.has(op)),
    [],
  )
})

test('nothing is made: no state directory, nothing in the bundle', () => {
  run('plan', '--bundle', bundle)
  assert.deepEqual(readdirSync(bundle).sort(), ['config.json', 'rootfs'])
  assert.deepEqual(readdirSync(join(bundle, 'rootfs')), [])
})

test('what is had only in a weaker form stands below the table', () => {
  assert.match(run('plan', '--bundle', bundle), /\/sys\/fs\/cgroup/)
})

test('create --dry-run prints the same table', () => {
  assert.equal(run('create', '--dry-run', '--bundle', bundle, 'box'), run('plan', '--bundle', bundle))
})

test('the plan of a sandbox names the option that an op came from', () => {
  const table = run('plan', '--ro', '/etc/hostname', '--', 'true')
  assert.match(table, /ro \/etc\/hostname/)
  assert.match(table, /command\s*$/m)
})

test('docs/launch-plan.md explains every op', () => {
  const text = readFileSync(new URL('../docs/launch-plan.md', import.meta.url), 'utf8')
  const names = Object.keys(opShapes).map((name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`))
  assert.deepEqual(
    names.filter((name) => !text.includes(`\`${name}\``) && !text.includes(`\`${name.replaceAll('_', '-')}\``)),
    [],
  )
})
