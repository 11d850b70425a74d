import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openLog } from '../../../src/base/log.ts'
import { readCall, readGlobals } from '../../../src/cli/argv.ts'
import { createFlags, createOptions } from '../../../src/cli/commands/create.ts'
import { type SandboxValues, sandboxFlags } from '../../../src/cli/flags.ts'
import { readGlobalValues } from '../../../src/cli/globals.ts'
import { readSandboxOptions } from '../../../src/cli/sandbox-options.ts'
import { Session } from '../../../src/cli/session.ts'
import { recordIo } from './io.ts'

const { io } = recordIo({ cwd: '/here', env: { HOME: '/home/anna', EMPTY: '' } })
const log = await openLog({ format: 'text', level: 'error', stderr: io.stderr })
const globals = readGlobalValues(readGlobals([]).values, io.cwd)
const session = new Session({
  globals,
  globalWords: [],
  io,
  log,
  isForeground: false,
  logsToFile: false,
  logsWarnings: false,
  isForPrograms: true,
})

describe('options of create and run', () => {
  const optionsOf = (line: string) => {
    const { flags, args } = readCall({ name: 'create', flags: createFlags, count: [1, 1] }, line.split(' '))
    return createOptions(flags, args[0] ?? '', session)
  }

  it('that were not given are absent; the bundle is where the caller is', () => {
    assert.deepEqual(optionsOf('box'), {
      id: 'box',
      bundle: '/here',
      noPivot: false,
      noNewKeyring: false,
      strict: false,
    })
  })

  it('that are paths count from the directory of the caller, not from the bundle', () => {
    assert.deepEqual(optionsOf('-b ../b --pid-file p --console-socket /s -f c.json --preserve-fds 2 --no-pivot box'), {
      id: 'box',
      bundle: '/b',
      pidFile: '/here/p',
      consoleSocket: '/s',
      config: '/here/c.json',
      preserveFds: 2,
      noPivot: true,
      noNewKeyring: false,
      strict: false,
    })
  })
})

describe('options of a sandbox', () => {
  const optionsOf = (words: readonly string[]) => {
    const { flags } = readCall({ name: 'sandbox', flags: sandboxFlags, count: [0, 0] }, words)
    return readSandboxOptions(flags satisfies SandboxValues, session)
  }

  it('that were not given are absent', () => {
    assert.deepEqual(optionsOf([]), { env: {} })
  })

  it('name paths of the host from the directory of the caller, and keep the place inside', () => {
    const { rw, ro, hide, cwd } = optionsOf([
      '--rw',
      '.',
      '--ro',
      '../lib:/lib/',
      '--ro',
      '/a:/b',
      '--hide',
      'x',
      '--cwd',
      'work',
    ])
    assert.deepEqual(
      { rw, ro, hide, cwd },
      { rw: ['/here'], ro: ['/lib:/lib/', '/a:/b'], hide: ['/here/x'], cwd: '/here/work' },
    )
  })

  it('set variables, or pass on those that we have', () => {
    const { env } = optionsOf(['-e', 'A=b=c', '-e', 'HOME', '-e', 'EMPTY', '-e', 'NONE', '-e', 'B='])
    assert.deepEqual(env, { A: 'b=c', HOME: '/home/anna', EMPTY: '', B: '' })
    assert.throws(() => optionsOf(['-e', '=x']), /the name is missing/)
  })

  it('limit network and time', () => {
    assert.equal(optionsOf(['--net', 'host']).net, 'host')
    assert.equal(optionsOf(['--timeout', '1m30s']).timeout, 90_000)
    assert.throws(() => optionsOf(['--net', 'bridge']), /invalid value "bridge" for --net/)
    assert.throws(() => optionsOf(['--timeout', '-5']), /invalid value "-5" for --timeout/)
  })
})
