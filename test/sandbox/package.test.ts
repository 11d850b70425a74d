/** The package as it is published, and as programs use it: its files, its types, and every example of docs/library.md. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { as, whyNot } from '../fixtures/as.ts'
import { reachableNode, repository } from '../fixtures/install.ts'
import { needs } from '../fixtures/needs.ts'
import { runDirectory } from '../fixtures/run-directory.ts'

const skip = needs('userns') ?? false
const place = mkdtempSync(join(runDirectory(), 'package-'))
chmodSync(place, 0o755)
const modules = join(place, 'node_modules')
let packed: readonly string[] = []

/** Unpacked where a package manager would put it, with our own dependencies beside. */
before(() => {
  const options = ['--json', '--ignore-scripts', '--pack-destination', place]
  const [told] = JSON.parse(execFileSync('npm', ['pack', ...options], { cwd: repository, encoding: 'utf8' }))
  packed = told.files.map(({ path }: { path: string }) => path)
  mkdirSync(join(modules, 'usnea'), { recursive: true })
  execFileSync('tar', ['-xzf', join(place, told.filename), '-C', join(modules, 'usnea'), '--strip-components=1'])
  for (const name of readdirSync(join(repository, 'node_modules')))
    if (!name.startsWith('.') && name !== 'usnea')
      symlinkSync(join(repository, 'node_modules', name), join(modules, name))
  writeFileSync(join(place, 'package.json'), '{ "type": "module" }')
})

const examples = (): string[] =>
  [...readFileSync('docs/library.md', 'utf8').matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, text]) => text ?? '')

test('the package holds what it needs and nothing of the workshop', () => {
  for (const wanted of [
    ...['bin/usnea', 'dist/cli/usnea.js', 'dist/lib/index.js', 'dist/lib/index.d.ts', 'README.md', 'LICENSE'],
    ...[
      'native/build/usnea-init',
      'native/build/libusnea.so',
      'native/Makefile',
      'docs/library.md',
      'dist/man/usnea.1',
      'dist/man/usnea.1',
    ],
  ])
    assert.ok(packed.includes(wanted), wanted)
  assert.deepEqual(
    packed.filter((path) => /(^|\/)(test|\.git|\.ci|src)\/|\.test\.|\.map$|node_modules|package-lock|\.o$/.test(path)),
    [],
  )
  const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    exports: Record<string, string | { types: string; default: string }>
  }
  const named = Object.values(exports).flatMap((entry) =>
    typeof entry === 'string' ? [entry] : [entry.types, entry.default],
  )
  for (const path of named) assert.ok(packed.includes(path.slice(2)), path)
})

test('every example of the library is well typed and runs, from the package', { skip }, () => {
  const texts = examples()
  assert.ok(texts.length >= 10, `${texts.length} examples`)
  const files = texts.map((text, i) => {
    writeFileSync(join(place, `example-${i}.mts`), text)
    return `example-${i}.mts`
  })
  const compilerOptions = {
    ...{ target: 'es2022', module: 'nodenext', moduleResolution: 'nodenext', lib: ['es2023', 'esnext.disposable'] },
    ...{ strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false, noEmit: true, types: ['node'] },
  }
  writeFileSync(join(place, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
  const tsc = spawnSync(process.execPath, [join(repository, 'node_modules/typescript/bin/tsc'), '-p', place], {
    encoding: 'utf8',
  })
  assert.equal(tsc.stdout, '')
  writeFileSync(join(place, 'all.mts'), files.map((file) => `await import('./${file}')\n`).join(''))
  const tsx = pathToFileURL(join(repository, 'node_modules/tsx/dist/esm/index.mjs')).href
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', tsx, 'all.mts'], {
    cwd: place,
    encoding: 'utf8',
    timeout: 60_000,
  })
  assert.equal(status, 0, stderr)
  for (const said of [
    'a\nb',
    '500000500000 0',
    'in test\nit still runs true false',
    'from inside',
    "stdout: 'HELLO\\n'",
    "method: 'ping'",
  ])
    assert.ok(stdout.includes(said), `${said} is missing in:\n${stdout}`)
})

/** Everything that a program imports, and values that must keep their types: what is wrong on purpose has to stay an error. */
const consumer = `import { check, commandLine, isRuntimeError, type RunOptions, type Sandbox, SandboxError, type SandboxOptions, type SandboxResult, sandbox } from 'usnea'
import { aiSession, McpTransport, mcpServer } from 'usnea/adapters'
import * as runtimes from 'usnea/runtimes'
import * as tasks from 'usnea/tasks'

const options: SandboxOptions = { rw: ['.'], env: { A: 'b', C: undefined }, minLevel: 'U1', timeout: 5 }
const wishes: RunOptions = { input: 'text', cancelSignal: new AbortController().signal }
export async function use(box: Sandbox = sandbox(options, { warm: 2 })): Promise<string> {
  const text: SandboxResult = await box.run(['true'], wishes)
  const bytes: Uint8Array = (await box.run(['true'], { encoding: 'buffer' })).stdout
  box.on('network', ({ host, verdict }) => console.log(host, verdict))
  for await (const line of box.spawn(['true'], { stdio: ['ignore', 'pipe', 2] }).lines('stderr')) console.log(line)
  // @ts-expect-error an option that there is not
  sandbox({ memry: 5 })
  // @ts-expect-error a result is only read
  text.exitCode = 0
  // @ts-expect-error no text is bytes
  const wrong: string = (await box.run(['true'], { encoding: 'buffer' })).stdout
  const { isSupported, fixes } = await check(options)
  const [file, args] = commandLine(options, ['true'])
  try {
    await box.shell().run('true')
  } catch (error) {
    if (error instanceof SandboxError && error.timedOut) console.log(error.shortMessage, error.limits[0]?.enforcedBy)
    if (isRuntimeError(error, 'exec-not-found')) console.log(error.fix?.length)
  }
  await box.close()
  return [text.stdout, bytes.length, wrong, isSupported, fixes.join(), file, args[0], text.code ?? ''].join()
}
export const all = [aiSession, McpTransport, mcpServer, runtimes, tasks]
`

const resolutions = [
  { module: 'node16', moduleResolution: 'node16', files: ['consumer.mts'] },
  { module: 'nodenext', moduleResolution: 'nodenext', files: ['consumer.mts', 'consumer.cts'] },
  { module: 'esnext', moduleResolution: 'bundler', files: ['consumer.ts'] },
  { module: 'preserve', moduleResolution: 'bundler', files: ['consumer.ts'] },
]

test('its types hold for every way to resolve modules, with nothing of them left out', () => {
  for (const name of ['consumer.mts', 'consumer.ts', 'consumer.cts']) writeFileSync(join(place, name), consumer)
  for (const { files, ...resolution } of resolutions)
    for (const lib of [['es2023', 'esnext.disposable'], ['es2022']]) {
      const strict = { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true }
      const more = { noPropertyAccessFromIndexSignature: true, isolatedModules: true, skipLibCheck: false }
      const compilerOptions = {
        ...resolution,
        ...strict,
        ...more,
        lib,
        target: 'es2022',
        noEmit: true,
        types: ['node'],
      }
      writeFileSync(join(place, 'consumer.json'), JSON.stringify({ compilerOptions, files }))
      const args = [join(repository, 'node_modules/typescript/bin/tsc'), '-p', join(place, 'consumer.json')]
      const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' })
      assert.deepEqual([status, stdout], [0, ''], JSON.stringify(compilerOptions))
    }
})

test('an unprivileged user runs it from where root has unpacked it, by command and from a program', {
  skip: whyNot('plain') ?? false,
}, async () => {
  await using user = await as('plain')
  // Our checkout may be closed to others, so what runs is copied, as npm would.
  const here = join(place, 'shared')
  cpSync(join(modules, 'usnea'), join(here, 'node_modules/usnea'), { recursive: true })
  for (const name of [
    'koffi',
    ...readdirSync(join(repository, 'node_modules/@koromix')).map((one) => `@koromix/${one}`),
  ])
    cpSync(join(repository, 'node_modules', name), join(here, 'node_modules', name), { recursive: true })
  const program = `import { check, sandbox } from 'usnea'
    const box = sandbox({ cwd: '/' }, { warm: 1 })
    const { stdout } = await box.run(['/usr/bin/id', '-u'])
    const { isSupported, problems } = await check({ cwd: '/' })
    console.log(stdout, box.level, isSupported, problems)
    await box.close()`
  writeFileSync(join(here, 'program.mjs'), program)
  const run = (argv: readonly string[]) => {
    const { file, args, ...options } = user.wrap(argv, here)
    return spawnSync(file, args, { ...options, env: user.env, encoding: 'utf8', timeout: 30_000 })
  }
  const command = run([join(here, 'node_modules/usnea/bin/usnea'), '--', '/bin/true'])
  assert.deepEqual([command.status, command.stderr], [0, ''])
  const { stdout, stderr } = run([await reachableNode(), 'program.mjs'])
  assert.match(stdout, new RegExp(`^${user.user.uid} U\\d true \\[\\]$`, 'm'), stderr)
})

test('a CommonJS program can load it', { skip }, () => {
  const program =
    "const { sandbox } = require('usnea'); sandbox({ cwd: '/' }).run(['echo', 'required']).then(({ stdout }) => console.log(stdout))"
  writeFileSync(join(place, 'old.cjs'), program)
  assert.equal(
    execFileSync(process.execPath, ['--no-warnings', 'old.cjs'], { cwd: place, encoding: 'utf8' }),
    'required\n',
  )
})
