/** Sandboxes in the shapes of other libraries: the AI SDK's session, a transport of MCP, and execa's pair of words. */
import assert from 'node:assert/strict'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, test } from 'node:test'
import { execa } from 'execa'
import { commandLine, sandbox } from '../../src/index.ts'
import { aiSession, McpTransport, mcpServer } from '../../src/sandbox/adapters/index.ts'
import { needs } from '../fixtures/needs.ts'

const skip = needs('userns') ?? false
const needsPython = needs('userns', 'python3') ?? false
const project = realpathSync(mkdtempSync(join(tmpdir(), 'usnea-adapters-')))
chmodSync(project, 0o755)
after(() => rmSync(project, { recursive: true, force: true }))

test('a session of the AI SDK runs commands', { skip }, async () => {
  await using box = sandbox({ rw: [project], cwd: project, timeout: 60_000 })
  const session = aiSession(box, { cwd: project })
  assert.match(session.description, new RegExp(`${project} can be changed`))
  assert.deepEqual(await session.run({ command: 'pwd; echo err >&2; exit 3' }), {
    exitCode: 3,
    stdout: `${project}\n`,
    stderr: 'err\n',
  })
  mkdirSync(join(project, 'sub'))
  const around = { workingDirectory: 'sub', env: { SECRET: 'told' } }
  assert.equal((await session.run({ command: 'echo $SECRET $PWD', ...around })).stdout, `told ${project}/sub\n`)
  assert.equal((await session.run({ command: 'kill -TERM $$' })).exitCode, 143)
  const reason = new Error('the user pressed stop')
  await assert.rejects(
    async () => session.run({ command: 'sleep 100', abortSignal: AbortSignal.abort(reason) }),
    reason,
  )
})

test('a session of the AI SDK spawns processes with streams of the web', { skip }, async () => {
  await using box = sandbox({ cwd: '/' })
  const session = aiSession(box)
  const cat = await session.spawn({ command: 'cat; echo over >&2; exit 2', stdin: true })
  const writer = cat.stdin.getWriter()
  await writer.write(new TextEncoder().encode('written'))
  await writer.close()
  assert.deepEqual(
    [await text(cat.stdout), await text(cat.stderr), await cat.wait()],
    ['written', 'over\n', { exitCode: 2 }],
  )
  const deaf = await session.spawn({ command: 'sleep 100' })
  assert.equal('stdin' in deaf, false)
  await Promise.all([deaf.kill(), deaf.kill()])
  assert.deepEqual(await deaf.wait(), { exitCode: 143 })
  const controller = new AbortController()
  const stopped = await session.spawn({ command: 'sleep 100', abortSignal: controller.signal })
  controller.abort(new Error('stop'))
  await assert.rejects(stopped.wait(), { message: 'stop' })
})

test('a session of the AI SDK reads and writes files, and only those of the sandbox', { skip }, async () => {
  await using box = sandbox({ rw: [project], cwd: project })
  const session = aiSession(box, { cwd: project })
  await session.writeTextFile({ path: 'a dir/deep/-file', content: 'one\ntwo\nthree' })
  assert.equal(readFileSync(join(project, 'a dir/deep/-file'), 'utf8'), 'one\ntwo\nthree')
  await session.writeTextFile({ path: '-', content: 'é', encoding: 'latin1' })
  assert.deepEqual([...((await session.readBinaryFile({ path: '-' })) ?? [])], [0xe9])
  assert.equal(await session.readTextFile({ path: '-', encoding: 'latin1' }), 'é')
  const lines = (startLine: number, endLine?: number) =>
    session.readTextFile({ path: 'a dir/deep/-file', startLine, ...(endLine === undefined ? {} : { endLine }) })
  assert.deepEqual(
    [await lines(2), await lines(1, 1), await lines(3, 99), await lines(7)],
    ['two\nthree', 'one\n', 'three', ''],
  )
  await session.writeFile({ path: 'stream', content: new Blob(['x'.repeat(300_000)]).stream() as never })
  const stream = await session.readFile({ path: 'stream' })
  assert.equal((await text(stream as NonNullable<typeof stream>)).length, 300_000)
  await session.writeBinaryFile({ path: 'empty', content: new Uint8Array() })
  const empty = await session.readFile({ path: 'empty' })
  assert.equal(await text(empty as NonNullable<typeof empty>), '')
  for (const missing of [
    session.readFile({ path: 'no' }),
    session.readTextFile({ path: 'no' }),
    session.stat({ path: 'no' }),
    session.listDirectory({ path: 'no' }),
  ])
    assert.equal(await missing, null)

  symlinkSync('stream', join(project, 'link'))
  writeFileSync(join(project, 'new\nline'), '')
  assert.deepEqual(await session.stat({ path: 'link' }), { type: 'file', size: 300_000 })
  assert.equal((await session.stat({ path: 'a dir' }))?.type, 'directory')
  assert.equal((await session.stat({ path: '/dev/null' }))?.type, 'other')
  const listed = (await session.listDirectory({ path: '.' }))?.map(({ name, type }) => `${type} ${name}`).sort()
  assert.deepEqual(listed, [
    'directory a dir',
    'directory sub',
    'file -',
    'file empty',
    'file new\nline',
    'file stream',
    'symlink link',
  ])
  assert.deepEqual(await session.listDirectory({ path: 'sub' }), [])
  assert.deepEqual(
    [await session.deleteFile({ path: 'link' }), await session.deleteFile({ path: 'link' })],
    [true, false],
  )
  assert.equal((await session.stat({ path: 'stream' }))?.size, 300_000)

  await assert.rejects(session.deleteFile({ path: 'sub' }))
  await assert.rejects(session.listDirectory({ path: 'stream' }))
  await assert.rejects(session.writeTextFile({ path: 'sub', content: '' }))
  await assert.rejects(session.readFile({ path: 'sub' }))
  // What a command could not do, a tool cannot do either.
  await assert.rejects(session.writeTextFile({ path: '/etc/usnea-was-here', content: '' }))
  assert.equal(await session.readFile({ path: join(tmpdir(), 'not-shown') }), null)
})

const server = `
import json, sys
print('not a message', flush=True)
for line in sys.stdin:
    message = json.loads(line)
    if message.get('method') == 'end': break
    print(json.dumps({'jsonrpc': '2.0', 'id': message['id'], 'result': message['params']}), flush=True)
print('told', file=sys.stderr)`

test('a server of MCP is spoken to through a transport', { skip: needsPython }, async () => {
  await using box = sandbox({ cwd: '/' })
  const transport = new McpTransport(box, ['python3', '-c', server], { stdio: ['pipe', 'pipe', 'pipe'] })
  const errors: Error[] = []
  const messages: { id: number; result: unknown }[] = []
  const closed = new Promise<void>((resolve) => {
    transport.onclose = resolve
  })
  let answered: (() => void) | undefined
  transport.onerror = (error) => errors.push(error)
  transport.onmessage = (message) => {
    messages.push(message as { id: number; result: unknown })
    answered?.()
  }
  await transport.start()
  await assert.rejects(transport.start())
  const big = 'x'.repeat(1 << 20)
  const answer = new Promise<void>((resolve) => {
    answered = () => messages.length === 2 && resolve()
  })
  await transport.send({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { big } })
  await transport.send({ jsonrpc: '2.0', id: 2, method: 'tools/list', params: 'é\n' })
  await answer
  assert.deepEqual(
    messages.map(({ id, result }) => [id, result]),
    [
      [1, { big }],
      [2, 'é\n'],
    ],
  )
  assert.deepEqual(
    errors.map(({ name }) => name),
    ['SyntaxError'],
  )
  await Promise.all([transport.close(), transport.close()])
  await closed
  assert.equal(await text(transport.stderr as NonNullable<typeof transport.stderr>), 'told\n')
  await assert.rejects(transport.send({}))
})

test('a server that does not end, and one that never was, are gone after close', { skip }, async () => {
  await using box = sandbox({ cwd: '/' })
  const deaf = new McpTransport(box, ['sleep', '1000'])
  await deaf.start()
  await deaf.close()
  const missing = new McpTransport(box, ['usnea-no-such-server'])
  const told: string[] = []
  missing.onerror = (error) => told.push((error as Error & { code: string }).code)
  missing.onclose = () => told.push('closed')
  await missing.start()
  await missing.close()
  assert.deepEqual(told, ['exec-not-found', 'closed'])
})

test('a server of MCP as a command and its arguments', { skip }, async () => {
  const { command, args, env } = mcpServer({ rw: [project], cwd: project, env: { MODE: 'x', PATH: '/bin' } }, [
    'sh',
    '-c',
    'read line; echo "$line $MODE $PATH $PWD"',
  ])
  // what would steer our own program stays among the arguments
  assert.deepEqual(env, { MODE: 'x' })
  assert.deepEqual(
    args.filter((word) => word.startsWith('--env')),
    ['--env=MODE', '--env=PATH=/bin'],
  )
  const { stdout } = await execa(command, args, {
    input: '{}\n',
    extendEnv: false,
    env: { PATH: '/usr/bin:/bin', HOME: '/', ...env },
  })
  assert.equal(stdout, `{} x /bin ${project}`)
})

test('execa runs a sandbox as any command, with its own time-out and streams', { skip }, async () => {
  const { stdout } = await execa(...commandLine({ cwd: '/' }, ['sort']), { input: 'b\na' })
  assert.equal(stdout, 'a\nb')
  const failed = await execa(...commandLine({ cwd: '/' }, ['sh', '-c', 'exit 3']), { reject: false })
  assert.equal(failed.exitCode, 3)
  const slow = await execa(...commandLine({ cwd: '/' }, ['sleep', '100']), { timeout: 500, reject: false })
  assert.deepEqual([slow.timedOut, slow.failed], [true, true])
})
