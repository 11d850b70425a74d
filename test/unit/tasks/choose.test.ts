import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { isRuntimeError } from '../../../src/base/errors.ts'
import { knownSettings, stockSettings } from '../../../src/config/known.ts'
import { defaultLayer, mergeLayers } from '../../../src/config/layers.ts'
import { buildRegistry, stockRegistry } from '../../../src/runtimes/registry.ts'
import { chooseShim } from '../../../src/tasks/service/choose.ts'

const top = mkdtempSync(join(tmpdir(), 'choose-'))
after(() => rmSync(top, { recursive: true, force: true }))
for (const name of ['usnea', 'crun', 'containerd-shim-usnea-v2', 'containerd-shim-kata-v2'])
  writeFileSync(join(top, name), '', { mode: 0o755 })
const uid = process.getuid?.() ?? 0
const facts = { env: { PATH: `relative:${top}` }, programs: top, stateRoot: '/run/x' }
const place = { wrappers: join(top, 'wrappers'), uid }
const stock = { ...place, registry: stockRegistry(facts) }

function codeOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    if (isRuntimeError(error)) return error.code
    throw error
  }
  return 'done'
}

describe('the shim of a runtime', () => {
  it('is ours for an OCI runtime, with a state directory of that runtime alone', () => {
    const binary = join(top, 'containerd-shim-usnea-v2')
    for (const name of [undefined, '', 'usnea']) {
      const options = { binaryName: join(top, 'usnea'), root: '/run/x/usnea' }
      assert.deepEqual(chooseShim(name, stock), { binary, options })
    }
    assert.deepEqual(chooseShim('io.containerd.usnea.v2', stock), { binary, options: {} })
  })

  it('comes from the settings, as a script where the runtime has arguments', () => {
    const runtimes = {
      mine: { path: 'crun', args: ['--debug'] },
      kata: { type: 'io.containerd.kata.v2', options: { SystemdCgroup: true } },
      wrong: { type: 'io.containerd.kata.v2', options: { toString: true } },
    }
    const settings = mergeLayers([defaultLayer({ ...stockSettings, runtimes })], knownSettings)
    const own = { ...place, registry: buildRegistry(settings, facts) }
    const { options } = chooseShim('mine', own)
    assert.equal(options.root, '/run/x/mine')
    assert.match(readFileSync(options.binaryName ?? '', 'utf8'), /^#!\/bin\/sh\nexec '.*\/crun' '--debug' "\$@"\n$/)
    const kata = { binary: join(top, 'containerd-shim-kata-v2'), options: { systemdCgroup: true } }
    assert.deepEqual(chooseShim('kata', own), kata)
    assert.equal(
      codeOf(() => chooseShim('wrong', own)),
      'task-request',
    )
  })

  it('is a program that is there, and never one of the current directory', () => {
    assert.deepEqual(chooseShim('/bin/sh', stock), { binary: '/bin/sh', options: {} })
    const names = ['runc', './x.y', '.foo.v2', 'io.x.y', '/nowhere/shim', '/']
    assert.deepEqual(
      names.map((name) => codeOf(() => chooseShim(name, stock))),
      ['runtime-unknown', 'runtime-unknown', 'runtime-unknown', 'shim-missing', 'shim-missing', 'shim-missing'],
    )
  })
})
