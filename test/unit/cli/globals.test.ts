import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readGlobals } from '../../../src/cli/argv.ts'
import { absolute, chooseLog, readGlobalValues } from '../../../src/cli/globals.ts'

const valuesOf = (line: string) => readGlobals(line === '' ? [] : line.split(' ')).values
const globalsOf = (line: string, cwd = '/here') => readGlobalValues(valuesOf(line), cwd)
const logOf = (line: string, cwd = '/here') => chooseLog(valuesOf(line), cwd)

describe('--root', () => {
  it('is made absolute from the directory of the caller, once', () => {
    assert.equal(globalsOf('').root, undefined)
    assert.equal(globalsOf('--root /run/x').root, '/run/x')
    assert.equal(globalsOf('--root x/../y').root, '/here/y')
  })

  it('is refused where containers would be directories of the root directory', () => {
    for (const root of ['/', '//', '/.', '/x/..'])
      assert.throws(() => globalsOf(`--root ${root}`), /^RuntimeError: Option --root argument should not be set to \/$/)
    assert.throws(() => globalsOf('--root ..', '/x'), /should not be set to \//)
  })

  it('is refused when it is empty: it would be the current directory', () => {
    assert.throws(() => globalsOf('--root='), /should not be empty/)
  })

  it('cannot be relative when the directory of the caller was removed', () => {
    assert.throws(() => globalsOf('--root x', ''), /cannot resolve x: the current directory was removed/)
    assert.equal(absolute('/x', ''), '/x')
  })
})

describe('--log', () => {
  it('takes a path, with or without file:', () => {
    assert.equal(logOf('').file, undefined)
    assert.equal(logOf('--log=').file, undefined)
    assert.equal(logOf('--log /l').file, '/l')
    assert.equal(logOf('--log file:/l').file, '/l')
    assert.equal(logOf('--log file:l').file, '/here/l')
  })

  it('may be a system log, under a name', () => {
    for (const kind of ['journald', 'syslog'] as const) {
      assert.deepEqual(logOf(`--log ${kind}:box.1`), {
        file: undefined,
        system: { kind, identifier: 'box.1' },
        format: 'text',
        level: 'error',
      })
      assert.throws(() => logOf(`--log ${kind}:`), /needs an identifier/)
      assert.throws(() => logOf(`--log=${kind}:a\nb`), /needs an identifier/)
      assert.equal(logOf(`--log file:${kind}:x`).file, `/here/${kind}:x`)
    }
  })

  it('has two formats', () => {
    assert.equal(logOf('').format, 'text')
    assert.equal(logOf('--log-format=').format, 'text')
    assert.equal(logOf('--log-format json').format, 'json')
    assert.throws(() => logOf('--log-format xml'), /^RuntimeError: invalid log-format: xml$/)
  })

  it('has the levels of crun, and --debug before all', () => {
    assert.equal(logOf('').level, 'error')
    assert.equal(logOf('--log-level warning').level, 'warning')
    assert.equal(logOf('--log-level WARN').level, 'warning')
    assert.equal(logOf('--log-level info').level, 'info')
    assert.equal(logOf('--debug --log-level error').level, 'debug')
    assert.throws(() => logOf('--log-level loud'), /invalid log-level: loud/)
  })
})

describe('cgroups', () => {
  it('are told by the flags of both runc and crun', () => {
    assert.deepEqual(pick(globalsOf('')), { systemdCgroup: false, cgroupManager: undefined, rootless: 'auto' })
    assert.equal(globalsOf('--systemd-cgroup').systemdCgroup, true)
    assert.equal(globalsOf('-s').systemdCgroup, true)
    assert.equal(globalsOf('--cgroup-manager systemd').systemdCgroup, true)
    assert.equal(globalsOf('--cgroup-manager disabled').cgroupManager, 'disabled')
    assert.throws(() => globalsOf('--cgroup-manager none'), /unknown cgroup manager "none"/)
  })

  it('are tolerated to fail as --rootless says', () => {
    assert.equal(globalsOf('--rootless AUTO').rootless, 'auto')
    assert.equal(globalsOf('--rootless=true').rootless, true)
    assert.equal(globalsOf('--rootless 0').rootless, false)
    assert.throws(() => globalsOf('--rootless perhaps'), /invalid value "perhaps" for --rootless/)
  })
})

function pick({ systemdCgroup, cgroupManager, rootless }: ReturnType<typeof globalsOf>) {
  return { systemdCgroup, cgroupManager, rootless }
}
