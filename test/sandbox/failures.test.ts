/** Every way to fail has one shape: a wrong call is a RuntimeError, everything else is a result with a code; and nothing of it is left. */
import assert from 'node:assert/strict'
import { chmodSync, closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { catalogue } from '../../src/base/catalogue.ts'
import { ceiling, commandLine, RuntimeError, type Sandbox, SandboxError, sandbox } from '../../src/index.ts'
import { needs } from '../fixtures/needs.ts'
import { allProcesses } from '../fixtures/processes.ts'
import { runDirectory } from '../fixtures/run-directory.ts'
import { until } from '../fixtures/until.ts'

const skip = needs('userns') ?? false
const place = mkdtempSync(join(runDirectory(), 'failures-'))
chmodSync(place, 0o755)
writeFileSync(join(place, 'garbage'), 'no program')
chmodSync(join(place, 'garbage'), 0o755)
writeFileSync(join(place, 'closed'), '#!/bin/sh\n')
chmodSync(join(place, 'closed'), 0o644)
mkdirSync(join(place, 'home'))

const unhandled: unknown[] = []
const hear = (error: unknown) => void unhandled.push(error)
before(() => {
  process.on('unhandledRejection', hear)
  process.env.XDG_STATE_HOME = join(place, 'home')
})
after(() => process.off('unhandledRejection', hear))

const open = () => sandbox({ cwd: '/', ro: [place] })
const late = () => AbortSignal.abort(new Error('before it began'))
const deaf = ['sh', '-c', 'trap "" TERM; echo up; while :; do sleep 0.05; done']

/** What somebody does, and the code of what comes of it. `never`: the command never ran. */
const rows: readonly {
  readonly name: string
  readonly code: string | undefined
  readonly never?: true
  /** The code of the cause, or any error. */
  readonly cause?: string | true
  readonly says?: Partial<SandboxError>
  readonly run: (box: Sandbox) => Promise<unknown>
}[] = [
  { name: 'a program that is missing', code: 'exec-not-found', never: true, run: (box) => box.run(['no-such']) },
  { name: 'an empty name', code: 'exec-not-found', never: true, run: (box) => box.run(['']) },
  { name: 'a directory', code: 'exec-denied', never: true, run: (box) => box.run(['/usr']) },
  { name: 'a file that may not run', code: 'exec-denied', never: true, run: (box) => box.run([join(place, 'closed')]) },
  { name: 'a file that is none', code: 'exec-failed', never: true, run: (box) => box.run([join(place, 'garbage')]) },
  { name: 'too many arguments', code: 'exec-failed', never: true, run: (box) => box.run(['true', 'x'.repeat(3e6)]) },
  { name: 'a cwd that is missing', code: 'cwd-missing', never: true, run: (box) => box.run(['true'], { cwd: '/no' }) },
  {
    name: 'a cwd that is a file',
    code: 'cwd-missing',
    never: true,
    run: (box) => box.run(['true'], { cwd: '/etc/passwd' }),
  },
  {
    name: 'a descriptor that is not open',
    code: 'spawn-failed',
    never: true,
    says: { errno: 'EBADF' },
    run: (box) => box.run(['true'], { stdio: ['ignore', 9999, 'pipe'] }),
  },
  {
    name: 'a directory as stdout',
    code: 'spawn-failed',
    never: true,
    says: { errno: 'EISDIR' },
    run: async (box) => {
      const fd = openSync('/', 'r')
      return box.run(['true'], { stdio: ['ignore', fd, 'pipe'] }).finally(() => closeSync(fd))
    },
  },
  {
    name: 'a closed sandbox',
    code: 'sandbox-closed',
    never: true,
    run: async (box) => {
      await box.close()
      return box.run(['true'])
    },
  },
  {
    name: 'one that waited and is closed',
    code: 'sandbox-closed',
    never: true,
    run: async () => {
      const box = sandbox({ cwd: '/' }, { warm: 1 })
      await box.ready()
      await box.close()
      return box.run(['true'])
    },
  },
  {
    name: 'a shell of a closed sandbox',
    code: 'sandbox-closed',
    never: true,
    run: async (box) => {
      await box.close()
      return box.shell().run('true')
    },
  },
  {
    name: 'a shell that is over',
    code: 'shell-over',
    never: true,
    run: async (box) => {
      await using shell = box.shell()
      await shell.run('exit', { reject: false })
      return shell.run('true')
    },
  },
  {
    name: 'a layer in use',
    code: 'layer-busy',
    never: true,
    run: async () => {
      const folder = mkdtempSync(join(place, 'tried-'))
      await using box = sandbox({ cwd: '/', layer: { dirs: [folder], backend: 'copy' } })
      await using _running = box.spawn(['sleep', '100'])
      try {
        return await box.run(['true'])
      } finally {
        await _running[Symbol.asyncDispose]()
        await box.discard()
      }
    },
  },
  {
    name: 'an abort before it began',
    code: 'command-canceled',
    cause: true,
    says: { isCanceled: true, exitCode: undefined, signal: undefined },
    run: (box) => box.run(['true'], { cancelSignal: late() }),
  },
  {
    name: 'an abort',
    code: 'command-canceled',
    cause: true,
    says: { isCanceled: true, signal: 'SIGTERM' },
    run: (box) => box.run(['sleep', '100'], { cancelSignal: AbortSignal.timeout(50) }),
  },
  {
    name: 'a time-out',
    code: 'command-timed-out',
    says: { timedOut: true, signal: 'SIGTERM', isForcefullyTerminated: false },
    run: (box) => box.run(['sleep', '100'], { timeout: 50 }),
  },
  {
    name: 'a time-out of one that does not listen',
    code: 'command-timed-out',
    says: { timedOut: true, signal: 'SIGKILL', isForcefullyTerminated: true, stdout: 'up' },
    run: (box) => box.run(deaf, { timeout: 300, forceKillAfterDelay: 50 }),
  },
  {
    name: 'a signal',
    code: 'command-killed',
    says: { signal: 'SIGUSR1', exitCode: undefined },
    run: (box) => box.run(['sh', '-c', 'kill -USR1 $$']),
  },
  {
    name: 'an exit code',
    code: 'command-failed',
    says: { exitCode: 9, stderr: 'no' },
    run: (box) => box.run(['sh', '-c', 'echo no >&2; exit 9']),
  },
  {
    name: 'an input that fails',
    code: 'command-killed',
    cause: true,
    says: { signal: 'SIGKILL' },
    run: (box) => box.run(['sh', '-c', 'cat; sleep 100'], { input: failing() }),
  },
  {
    name: 'too much output, and a failure',
    code: 'command-failed',
    says: { stdout: 'he', isMaxBuffer: true },
    run: (box) => box.run(['sh', '-c', 'echo hello; exit 1'], { maxBuffer: 2 }),
  },
]

async function* failing() {
  yield 'some'
  throw new Error('the disk is gone')
}

const fieldsOf = (error: object): string[] => Object.keys(error).sort()
const failureOf = (running: Promise<unknown>): Promise<unknown> =>
  running.then(
    () => undefined,
    (error: unknown) => error,
  )
const children = () => allProcesses().filter(({ parent }) => parent === process.pid).length
const descriptors = () => readdirSync('/proc/self/fd').length

let usual: string[] | undefined
for (const { name, code, never, cause, says, run } of rows)
  test(`${name}: ${code}`, { skip }, async () => {
    await using box = open()
    const error = await failureOf(run(box))
    assert.ok(error instanceof SandboxError && error instanceof RuntimeError && error instanceof Error, String(error))
    assert.deepEqual([error.code, error.failed, error.name], [code, true, 'SandboxError'])
    usual ??= fieldsOf(error)
    assert.deepEqual(fieldsOf(error), usual)
    assert.ok(Array.isArray(error.argv) && Array.isArray(error.degradations) && Array.isArray(error.limits))
    assert.deepEqual(
      [typeof error.stdout, typeof error.stderr, typeof error.durationMs],
      ['string', 'string', 'number'],
    )
    assert.equal(error.level, box.level)
    assert.equal(error.docs, `docs/errors.md#${code}`)
    if (never) {
      assert.ok(error.cause instanceof RuntimeError && error.cause.code === code && typeof error.fix === 'string')
      assert.deepEqual(
        [error.exitCode, error.signal, error.timedOut, error.isCanceled],
        [undefined, undefined, false, false],
      )
    } else assert.equal(error.cause instanceof Error, cause === true)
    for (const [field, value] of Object.entries(says ?? {}))
      assert.equal((error as unknown as Record<string, unknown>)[field], value, field)
    assert.ok(error.message.startsWith(error.shortMessage) && JSON.stringify({ ...error, cause: undefined }) !== '')
  })

test('none of them leaves a process, a descriptor or a rejection that nobody heard', { skip }, async () => {
  const fail = async () => {
    for (const { run } of rows) {
      await using box = open()
      await failureOf(run(box))
    }
  }
  await fail() // what is opened once
  const had = { children: children(), descriptors: descriptors() }
  for (let round = 0; round < 3; round++) await fail()
  await until('processes and descriptors are gone', () => {
    return children() <= had.children && descriptors() <= had.descriptors
  })
  assert.deepEqual(unhandled, [])
})

test('with `reject: false` the error is the result, and one that succeeds has the fields of a result', {
  skip,
}, async () => {
  await using box = open()
  const given = await box.run(['no-such'], { reject: false })
  assert.ok(given instanceof SandboxError)
  const fine = await box.run(['true'])
  const more = fieldsOf(given).filter((name) => !Object.hasOwn(fine, name))
  // Those of an error; `code` is that of a result that failed.
  assert.deepEqual(more, ['code', 'details', 'errno', 'fix', 'name', 'origin', 'shortMessage', 'what', 'why'])
  await box.close()
  assert.equal((await box.run(['true'], { reject: false })).code, 'sandbox-closed')
})

const junk: readonly unknown[] = [5, -1, Number.NaN, 'x', '', '\0', {}, { a: 5 }, [], [5], [null], null, true, () => {}]
const isOurs = (error: unknown): boolean => error instanceof RuntimeError && Object.hasOwn(catalogue, error.code)

/** Either it is taken, or refused as a wrong call. */
async function takes(what: string, call: () => unknown): Promise<boolean> {
  try {
    await call()
    return true
  } catch (error) {
    assert.ok(isOurs(error), `${what}: ${error instanceof Error ? error.stack : error}`)
    return false
  }
}

const sandboxOptions = [
  ...['rw', 'ro', 'hide', 'deny', 'socket', 'device', 'profile', 'net', 'publish', 'env', 'nested', 'cwd', 'timeout'],
  ...['grace', 'minLevel', 'require', 'accept', 'connect', 'listen', 'denials', 'kept', 'files', 'disk', 'memory'],
  ...['pids', 'cpus', 'allowHosts', 'proxyVariables', 'netfilter', 'onNetwork', 'groups'],
]

test('whatever an option of a sandbox is given, the error is ours', { skip }, async () => {
  for (const name of [...sandboxOptions, 'layer'])
    for (const value of name === 'layer' ? [5, true, [5], { dirs: 5 }, { dir: [] }] : junk) {
      const make = () => sandbox({ cwd: '/', [name]: value } as never)
      const what = `${name}: ${String(JSON.stringify(value))}`
      await takes(what, () => make().close())
      await takes(what, () => commandLine({ [name]: value } as never, ['true']))
    }
  for (const value of [null, 5, 'x', [5]]) {
    assert.throws(() => sandbox(value as never), { code: 'sandbox-option' })
    assert.throws(() => sandbox({}, value as never), { code: 'sandbox-option' })
  }
})

test('whatever an option of a command is given, the error is ours', { skip }, async () => {
  await using box = open()
  const names = ['input', 'reject', 'maxBuffer', 'encoding', 'stripFinalNewline', 'stdio', 'env', 'cwd', 'timeout']
  for (const name of [...names, 'cancelSignal', 'killSignal', 'forceKillAfterDelay'])
    for (const value of junk) {
      const what = `${name}: ${String(JSON.stringify(value))}`
      await takes(what, () => box.run(['true'], { [name]: value } as never))
      if (!names.slice(0, 5).includes(name))
        await takes(what, () => box.spawn(['true'], { [name]: value } as never).exited)
    }
  for (const value of junk) {
    await takes('argv', () => box.run(value as never))
    await takes('argv', () => box.run(['true', value] as never))
    await assert.rejects(box.run(['true'], { cancelSignal: value } as never), { code: 'sandbox-option' })
  }
  for (const value of [null, 5, 'x']) {
    await assert.rejects(box.run(['true'], value as never), { code: 'sandbox-option' })
    assert.throws(() => box.spawn(['true'], value as never), { code: 'sandbox-option' })
    assert.throws(() => box.shell(value as never), { code: 'sandbox-option' })
  }
  await using shell = box.shell()
  for (const value of junk) if (typeof value !== 'string') await takes('script', () => shell.run(value as never))
  assert.equal((await shell.run('echo it goes on')).stdout, 'it goes on')
})

test('an option that there is not is refused, with the one that was meant: else a wall would be missing', {
  skip,
}, async () => {
  await using box = open()
  const slips: readonly [() => unknown, RegExp][] = [
    [() => sandbox({ memry: '1G' } as never), /memry .*did you mean memory\?/],
    [() => sandbox({ hides: ['/etc'] } as never), /hides .*did you mean hide\?/],
    [() => sandbox({}, { worm: 1 } as never), /did you mean warm\?/],
    [() => commandLine({ time: 5 } as never, ['true']), /time .*there is none/],
    [() => ceiling({ memory: '1G', pid: 5 } as never), /did you mean pids\?/],
    [() => box.spawn(['true'], { timeOut: 5 } as never), /did you mean timeout\?/],
    [() => box.run(['true'], { maxbuffer: 5 } as never), /did you mean maxBuffer\?/],
    [() => box.shell({ shell: 'sh' } as never), /shell .*there is none/],
  ]
  for (const [call, message] of slips)
    await assert.rejects(async () => call(), { name: 'RuntimeError', code: 'sandbox-option', message })
  // What has no value says nothing.
  await sandbox({ cwd: '/', memry: undefined } as never).close()
})

test('what a policy asks for and the machine has not is refused when the sandbox is made', { skip }, () => {
  const refused: readonly [object, string][] = [
    [{ minLevel: 'Q' }, 'sandbox-option'],
    [{ require: ['subids'] }, 'level-unmet'],
    [{ rw: ['/no/such/place'] }, 'sandbox-option'],
    [{ profile: 'nod' }, 'sandbox-option'],
    [{ net: 'wlan' }, 'sandbox-option'],
    [{ memory: '12 parsecs' }, 'sandbox-option'],
    [{ kept: ['/no/such/place'] }, 'sandbox-option'],
  ]
  for (const [options, code] of refused)
    assert.throws(
      () => sandbox(options),
      (error) => error instanceof RuntimeError && !(error instanceof SandboxError) && error.code === code,
      JSON.stringify(options),
    )
})
