import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, beforeEach, describe, it } from 'node:test'

const top = mkdtempSync(join(tmpdir(), 'usnea-launcher-'))
after(() => rmSync(top, { recursive: true }))
let place = ''
let launcher = ''

/** A stand-in for node that says which one it is and what it was given. */
function putNode(path: string): string {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, '#!/bin/sh\nprintf "%s\\n" "$0" "$@"\n')
  chmodSync(path, 0o755)
  return path
}

/** The package in a directory of its own, with the recorded node of the build. */
function placePackage(): void {
  place = mkdtempSync(join(top, 'case-'))
  launcher = join(place, 'package/bin/usnea')
  mkdirSync(join(place, 'package/dist/cli'), { recursive: true })
  cpSync('bin/usnea', launcher, { recursive: true })
  writeFileSync(join(place, 'package/dist/cli/usnea.js'), '')
}

const record = (node: string) => writeFileSync(join(place, 'package/dist/node-path'), `${node}\n`)

function call(path: string, options: { env?: Record<string, string>; cwd?: string; args?: string[] } = {}) {
  const { env = {}, cwd = '/', args = [] } = options
  const { status, stdout, stderr } = spawnSync(path, args, { env, cwd, encoding: 'utf8' })
  const [node = '', , entry = '', ...rest] = stdout.split('\n').slice(0, -1)
  return { status, node, entry, rest, stderr }
}

describe('bin/usnea finds its node', () => {
  beforeEach(placePackage)

  it('that the build recorded, with an empty environment', () => {
    record(putNode(join(place, 'a node/bin/node')))
    const { status, node, entry, rest } = call(launcher, { args: ['kill', '', 'a b', '*'] })
    assert.equal(status, 0)
    assert.equal(node, join(place, 'a node/bin/node'))
    assert.match(entry, /\/dist\/cli\/usnea\.js$/)
    assert.deepEqual(rest, ['kill', '', 'a b', '*'])
  })

  it('through links, from any directory, and by a relative path', () => {
    record(putNode(join(place, 'node')))
    symlinkSync(launcher, join(place, 'one'))
    symlinkSync('one', join(place, 'two'))
    symlinkSync('package', join(place, 'other'))
    const calls = [
      call(join(place, 'one')),
      call(join(place, 'two')),
      call('./two', { cwd: place }),
      call('package/bin/usnea', { cwd: place }),
      call('./usnea', { cwd: join(place, 'package/bin') }),
      call(join(place, 'other/bin/usnea')),
    ]
    for (const { status, node, stderr } of calls)
      assert.deepEqual({ status, node, stderr }, { status: 0, node: join(place, 'node'), stderr: '' })
  })

  it('that USNEA_NODE names, before all others', () => {
    record(putNode(join(place, 'recorded')))
    const chosen = putNode(join(place, 'chosen'))
    assert.equal(call(launcher, { env: { USNEA_NODE: chosen } }).node, chosen)
    const { status, stderr } = call(launcher, { env: { USNEA_NODE: 'node' } })
    assert.equal(status, 1)
    assert.equal(stderr, 'usnea: USNEA_NODE=node is no absolute path of a program\n')
  })

  it('beside the link that was called, or in the prefix of npm', () => {
    const prefix = join(place, 'prefix')
    cpSync(join(place, 'package'), join(prefix, 'lib/node_modules/usnea'), { recursive: true })
    const node = putNode(join(prefix, 'bin/node'))
    symlinkSync('../lib/node_modules/usnea/bin/usnea', join(prefix, 'bin/usnea'))
    assert.equal(call(join(prefix, 'bin/usnea')).node, node)
    const { node: found } = call(join(prefix, 'lib/node_modules/usnea/bin/usnea'))
    assert.match(found, /\/bin\/node$/)
    assert.ok(found.startsWith(prefix), found)
  })

  it('on PATH, but never in the current directory', () => {
    record(join(place, 'gone'))
    const node = putNode(join(place, 'path/node'))
    putNode(join(place, 'here/node'))
    const PATH = `:.:relative:${join(place, 'empty')}:${join(place, 'path')}`
    assert.equal(call(launcher, { env: { PATH }, cwd: join(place, 'here') }).node, node)
  })
})

describe('bin/usnea says on one line, with status 1,', () => {
  beforeEach(placePackage)

  it('that it was not built', () => {
    rmSync(join(place, 'package/dist'), { recursive: true })
    const { status, stderr } = call(launcher)
    assert.equal(status, 1)
    assert.match(stderr, /^usnea: .*\/dist\/cli\/usnea\.js is missing; run npm run build[^\n]*\n$/)
  })
})
