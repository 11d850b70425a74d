// Bundles the command line into dist/cli. One CommonJS file for all verbs: node loads it in less than half the time that
// it takes for the same code as a dozen ES modules. The packages that few calls need stay apart, in vendor/.
import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'

const out = 'dist/cli'
const vendors = Object.keys(JSON.parse(readFileSync('package.json', 'utf8')).dependencies).filter(
  (name) => name !== 'koffi',
)

/** Only of our own checkout: an unpacked package may lie inside the repository of somebody else. */
function commit() {
  const git = (...words) => spawnSync('git', words, { encoding: 'utf8' })
  const head = existsSync('.git') ? git('rev-parse', '--verify', 'HEAD') : undefined
  if (head?.status !== 0) return ''
  const isDirty = git('status', '--porcelain', '--untracked-files=no').stdout !== ''
  return `${head.stdout.trim()}${isDirty ? '-dirty' : ''}`
}

const shared = {
  outdir: out,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20.19',
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
  external: ['koffi'],
  define: { 'import.meta.url': '__file.url', __USNEA_COMMIT__: JSON.stringify(commit()) },
  banner: { js: "const __file={get url(){return require('node:url').pathToFileURL(__filename).href}};" },
  // Every import() becomes a late require(): the loader of ES modules alone costs more than what it would load.
  supported: { 'dynamic-import': false },
}

// import() of CommonJS gives module.exports as the default export, so that is what it must be.
const defaultAlone = 'if(module.exports.default)module.exports=module.exports.default;'

const leaveVendors = {
  name: 'leave-vendors',
  setup({ onResolve }) {
    const filter = new RegExp(`^(${vendors.join('|')})$`)
    onResolve({ filter }, ({ path }) => ({ path: `./vendor/${path}.js`, external: true }))
  },
}

/** Writes dist/cli and dist/node-path anew. */
export async function bundle() {
  rmSync(out, { recursive: true, force: true })
  await build({ ...shared, entryPoints: vendors, outdir: `${out}/vendor`, footer: { js: defaultAlone } })
  await build({ ...shared, entryPoints: { main: 'src/cli/main.ts' }, plugins: [leaveVendors] })
  await build({ ...shared, entryPoints: { usnea: 'src/cli/entry.ts' } })
  // The package says "module" for .js files; these are not.
  writeFileSync(`${out}/package.json`, '{"type":"commonjs"}\n')
  // bin/usnea looks there first: it must find a node even without PATH.
  writeFileSync('dist/node-path', `${process.execPath}\n`)
  keepCompiledCode()
}

/** For src/cli/entry.ts, which must wrap the code in the same way. */
const compile = `
  const { readFileSync, writeFileSync } = require('node:fs')
  const { Script } = require('node:vm')
  const { dirname } = require('node:path')
  const [main, cache, ...argv] = process.argv.splice(1)
  process.argv.push(main, ...argv)
  const source = '(function(exports,require,module,__filename,__dirname){' + readFileSync(main, 'latin1') + '\\n})'
  const script = new Script(source, { filename: main })
  process.on('exit', () => writeFileSync(cache, script.createCachedData()))
  script.runInThisContext()({}, require('node:module').createRequire(main), { exports: {} }, main, dirname(main))
`

/** What usnea-init answers when it is called without a conversation. */
const NO_CONVERSATION = 2

/**
 * V8 compiles a function when it is first called, so some verb has to run: `run` with init itself as the program goes
 * through most of the code, and `plan` where this machine allows no container.
 */
function keepCompiledCode() {
  const bundlePath = mkdtempSync(join(tmpdir(), 'usnea-build-'))
  try {
    mkdirSync(join(bundlePath, 'rootfs'))
    execFileSync(process.execPath, [`${out}/usnea.js`, 'spec', '--rootless', '--bundle', bundlePath])
    copyFileSync('native/build/usnea-init', join(bundlePath, 'rootfs/init'))
    const config = join(bundlePath, 'config.json')
    writeFileSync(config, readFileSync(config, 'utf8').replace('"sh"', '"/init"'))
    const main = resolve(out, 'main.js')
    const cache = resolve(out, `main-${process.version}-${process.arch}.cache`)
    const call = (...words) =>
      spawnSync(process.execPath, ['-e', compile, main, cache, '--root', join(bundlePath, 'state'), ...words], {
        stdio: 'ignore',
      }).status
    if (call('run', '--bundle', bundlePath, 'build') !== NO_CONVERSATION) call('plan', '--bundle', bundlePath)
  } finally {
    rmSync(bundlePath, { recursive: true })
  }
}
