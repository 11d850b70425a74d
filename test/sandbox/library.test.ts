/** The library beyond one run: streams both ways, how a command is ended, results and errors of one shape, and the check. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { argv, check, commandLine, isRuntimeError, RuntimeError, SandboxError, sandbox } from '../../src/index.ts'
import { needs } from '../fixtures/needs.ts'
import { refusing } from '../fixtures/refusing.ts'

const skip = needs('userns') ?? false
const MiB = 1 << 20
const MUCH = 256 * MiB
/** What was read and not yet collected: a gibibyte adds 35 MiB with Node 20 and 22, 80 with 24. Without back-pressure it would be MUCH. */
const GARBAGE = 128 * MiB

/** How much the most memory that we had at once has grown. */
async function growthOf(work: () => Promise<void>): Promise<number> {
  const before = process.resourceUsage().maxRSS
  await work()
  return (process.resourceUsage().maxRSS - before) * 1024
}

test('a reader that is slower than the command holds it back, and our memory stays level', { skip }, async () => {
  await using box = sandbox({ cwd: '/' })
  const growth = await growthOf(async () => {
    const writer = box.spawn(['sh', '-c', `head -c ${MUCH} /dev/zero; echo all >&2`])
    let said = ''
    writer.stderr?.on('data', (chunk) => {
      said += chunk
    })
    let size = 0
    assert.ok(writer.stdout)
    for await (const chunk of writer.stdout) {
      if (size < 8 * MiB) assert.equal(said, '', 'it has written more than was read')
      size += chunk.length
      if (size % (16 * MiB) < chunk.length) await new Promise((resolve) => setTimeout(resolve, 2))
    }
    assert.equal(size, MUCH)
    assert.equal((await writer.exited).exitCode, 0)
  })
  assert.ok(growth < GARBAGE, `${growth} bytes more`)
})

test('a command that reads slower than we write holds us back', { skip }, async () => {
  await using box = sandbox({ cwd: '/' })
  async function* much() {
    for (let size = 0; size < MUCH; size += MiB) yield Buffer.alloc(MiB, 1)
  }
  const growth = await growthOf(async () => {
    assert.equal((await box.run(['wc', '-c'], { input: much() })).stdout, String(MUCH))
  })
  assert.ok(growth < GARBAGE, `${growth} bytes more`)
})

test('input may be text, bytes, a stream of Node or of the web; one that fails ends the command', {
  skip,
}, async () => {
  await using box = sandbox({ cwd: '/' })
  const bytes = new TextEncoder().encode('bytes')
  for (const input of ['text', bytes, Readable.from(['a', 'b']), new Blob(['web']).stream()]) {
    const { stdout } = await box.run(['cat'], { input })
    assert.equal(
      stdout,
      typeof input === 'string' ? input : input === bytes ? 'bytes' : input instanceof Readable ? 'ab' : 'web',
    )
  }
  const broken = new Readable({ read: () => broken.destroy(new Error('the disk is gone')) })
  const result = await box.run(['cat'], { input: broken, reject: false })
  assert.equal((result.cause as Error).message, 'the disk is gone')
  assert.equal(result.failed, true)
  // What it does not read is not an error.
  const endless = Readable.from(
    (function* () {
      for (;;) yield 'x'.repeat(1000)
    })(),
  )
  assert.equal((await box.run(['head', '-c', '3'], { input: endless })).stdout, 'xxx')
  await assert.rejects(box.run(['cat'], { input: 5 as never }), { code: 'sandbox-option' })
})

test('output comes as text or bytes, whole or line by line', { skip }, async () => {
  await using box = sandbox({ cwd: '/' })
  const { stdout } = await box.run(['printf', '\\377\\000\\n'], { encoding: 'buffer' })
  assert.deepEqual([...stdout], [255, 0, 10])
  assert.equal((await box.run(['echo', 'x'], { stripFinalNewline: false })).stdout, 'x\n')
  const lines: string[] = []
  const command = box.spawn(['printf', 'one\\r\\n\\ntwö\\nlast'])
  for await (const line of command.lines()) lines.push(line)
  assert.deepEqual(lines, ['one', '', 'twö', 'last'])
  // Leaving the loop lets go of the stream: the command hears of it, and ends.
  for await (const line of box.spawn(['yes']).lines()) if (line === 'y') break
})

test('a command is asked to end first, and its answer counts', { skip }, async () => {
  await using box = sandbox({ cwd: '/' })
  const polite = ['sh', '-c', 'trap "echo saved; exit 7" TERM; echo up; while :; do sleep 0.01; done']
  const controller = new AbortController()
  const command = box.spawn(polite, { cancelSignal: controller.signal })
  const said = text(command.stdout as Readable)
  command.stdout?.once('data', () => controller.abort(new Error('enough')))
  const { exitCode, isCanceled, failed, cause, isForcefullyTerminated } = await command.exited
  assert.deepEqual([exitCode, isCanceled, failed, isForcefullyTerminated], [7, true, true, false])
  assert.equal((cause as Error).message, 'enough')
  assert.match(await said, /saved/)
})

test('one that does not listen is killed with its whole tree', { skip }, async () => {
  await using box = sandbox({ cwd: '/' })
  const deaf = ['sh', '-c', 'trap "" TERM USR1; echo up; sleep 100 & sleep 100; sleep 100']
  for (const killSignal of ['SIGTERM', 10]) {
    const command = box.spawn(deaf, { killSignal, forceKillAfterDelay: 50 })
    command.stdout?.once('data', () => command.kill())
    const { signal, isForcefullyTerminated } = await command.exited
    assert.deepEqual([signal, isForcefullyTerminated], ['SIGKILL', true])
  }
  const timed = await box.run(deaf, { timeout: 100, forceKillAfterDelay: 0, reject: false })
  assert.deepEqual([timed.signal, timed.timedOut, timed.code], ['SIGKILL', true, 'command-timed-out'])
  for (const options of [{ killSignal: 'SIGNOPE' }, { killSignal: 0 }, { forceKillAfterDelay: -1 }, { timeout: 0 }])
    await assert.rejects(box.run(['true'], options), { code: 'sandbox-option' })
})

test('an error is a result and a result that failed has the shape of an error', { skip }, async () => {
  await using box = sandbox({ cwd: '/' })
  const missing = ['usnea-no-such-program']
  const thrown = await box.run(missing).catch((error: unknown) => error)
  const given = await box.run(missing, { reject: false })
  for (const error of [thrown, given]) {
    assert.ok(error instanceof SandboxError && isRuntimeError(error, 'exec-not-found'))
    assert.deepEqual([error.failed, error.exitCode, error.signal, error.argv], [true, undefined, undefined, missing])
    assert.ok(error.cause instanceof RuntimeError && error.fix !== undefined)
    assert.equal(error.level, box.level)
  }
  await assert.rejects(box.spawn(missing).exited, { name: 'SandboxError', code: 'exec-not-found' })
  const failed = await box.run(['sh', '-c', 'echo no >&2; exit 9'], { reject: false })
  assert.deepEqual([failed.code, failed.exitCode, failed.stderr], ['command-failed', 9, 'no'])
  assert.equal((await box.run(['sh', '-c', 'kill -9 $$'], { reject: false })).code, 'command-killed')
  assert.equal((await box.run(['true'])).code, undefined)
  const late = AbortSignal.abort(new Error('before it began'))
  const canceled = await box.run(['true'], { cancelSignal: late, reject: false })
  assert.deepEqual(
    [canceled.code, canceled.isCanceled, (canceled.cause as Error).message],
    ['command-canceled', true, 'before it began'],
  )
  assert.throws(() => box.spawn(['true'], { cancelSignal: late }), { code: 'command-canceled' })
})

test('closing a sandbox ends what runs in it, twice does no harm', { skip }, async () => {
  const box = sandbox({ cwd: '/' })
  const sleeper = box.spawn(['sh', '-c', 'trap "" TERM; sleep 100'])
  await Promise.all([box.close(), box.close()])
  assert.equal((await sleeper.exited).signal, 'SIGKILL')
})

test('the check says what is had, and of a policy that does not hold why, without throwing', { skip }, async () => {
  const fine = await check({ cwd: '/' })
  assert.deepEqual([fine.isSupported, fine.parts.netns, fine.parts.subids, fine.problems], [true, true, false, []])
  const shared = await check({ cwd: '/', net: 'host' })
  assert.equal(shared.parts.netns, false)
  for (const [options, code] of [
    [{ require: ['subids'], rw: [] }, 'level-unmet'],
    [{ hide: ['/no/such/place'] }, 'sandbox-option'],
    [{ rw: 5 }, 'sandbox-option'],
  ] as const) {
    const { isSupported, level, problems, fixes } = await check(options as never)
    assert.deepEqual([isSupported, level, problems[0]?.code], [false, 'X', code])
    if (code === 'level-unmet') assert.match(fixes[0] ?? '', /usnea doctor/)
  }
  assert.equal((await check(null as never)).isSupported, false)
})

test('where there are no user namespaces the check says so, and what would do', {
  skip: needs('python3') ?? false,
}, () => {
  const program =
    "import { check } from 'usnea'; console.log(JSON.stringify([await check(), await check({ minLevel: 'L', accept: ['metadata', 'unix-sockets'] })]))"
  const [file = '', ...args] = refusing([process.execPath, '--input-type=module', '-e', program])
  const [strict, weak] = JSON.parse(execFileSync(file, args, { encoding: 'utf8' }))
  assert.deepEqual([strict.isSupported, strict.level], [false, 'X'])
  assert.match(strict.fixes[0], /minLevel: "L"/)
  if (weak.isSupported) assert.equal(weak.level, 'L')
  else assert.notEqual(weak.problems.length, 0)
})

test('the same sandbox as a command line, for programs that start others', { skip }, async () => {
  const options = { rw: ['.', '?missing'], env: { A: "b c'" }, timeout: 5000, profile: 'build', cwd: '/' } as const
  const [file, args] = commandLine(options, argv`sh -c ${'echo "$A"; exit 3'}`)
  assert.throws(() => execFileSync(file, args, { cwd: '/usr', encoding: 'utf8' }), { status: 3, stdout: "b c'\n" })
  assert.ok(args.includes(`--rw=${process.cwd()}`) && args.includes('--no-config'))
  for (const wrong of [
    { layer: 'x' },
    { denials: true },
    { env: { A: undefined } },
    { nested: false, profile: 'desktop' },
    { net: 'x' },
  ])
    assert.throws(() => commandLine(wrong as never, ['true']), { code: 'sandbox-option' })
})
