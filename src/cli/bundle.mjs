// Bundles the command line into dist/cli. One CommonJS file for all verbs: node loads it in less than half the time that
// it takes for the same code as a dozen ES modules. The packages that few calls need stay apart, in vendor/.
import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'

const out = 'dist/cli'
/** What engines call for every container: a bundle without the other verbs is ready sooner. */
const engineVerbs = 'create start run exec kill delete state list ps pause resume update events'.split(' ')
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

/** Loaded by every Node that starts. */
const atHand = ['fs', 'path', 'buffer', 'events', 'url', 'util']

/** Other modules of Node bring dozens along, so each is loaded when something of it is used for the first time. */
const lateBuiltins = {
  name: 'late-builtins',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path }) =>
      atHand.includes(path.slice(5)) ? { path, external: true } : { path, namespace: 'late' },
    )
    onLoad({ filter: /.*/, namespace: 'late' }, ({ path }) => {
      const names = Object.keys(process.getBuiltinModule(path)).map((name) => JSON.stringify(name))
      const getters = names.map((name) => `get ${name}(){return need(${JSON.stringify(path)})[${name}]}`)
      return { contents: `const need=require;module.exports={__esModule:true,${getters.join(',')}}`, loader: 'js' }
    })
  },
}

const leaveVendors = {
  name: 'leave-vendors',
  setup({ onResolve }) {
    const filter = new RegExp(`^(${vendors.join('|')})$`)
    onResolve({ filter }, ({ path }) => ({ path: `./vendor/${path}.js`, external: true }))
  },
}

const leaveOtherVerbs = {
  name: 'leave-other-verbs',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^\.\/main\.js$/ }, ({ path }) => ({ path, external: true }))
    onResolve({ filter: /^\.\/commands\// }, ({ path }) =>
      engineVerbs.includes(path.slice('./commands/'.length, -'.ts'.length)) ? undefined : { path, namespace: 'left' },
    )
    onLoad({ filter: /.*/, namespace: 'left' }, () => ({ contents: 'export const command = undefined' }))
  },
}

const knowing = (verbs) => ({
  ...shared.define,
  __USNEA_VERBS__: verbs === undefined ? 'undefined' : JSON.stringify(verbs),
})

/** Writes dist/cli and dist/node-path anew. */
export async function bundle() {
  rmSync(out, { recursive: true, force: true })
  await build({ ...shared, entryPoints: vendors, outdir: `${out}/vendor`, footer: { js: defaultAlone } })
  const plugins = [leaveVendors, lateBuiltins]
  await build({ ...shared, define: knowing(undefined), entryPoints: { main: 'src/cli/main.ts' }, plugins })
  const define = knowing(engineVerbs)
  await build({ ...shared, define, entryPoints: { engine: 'src/cli/main.ts' }, plugins: [leaveOtherVerbs, ...plugins] })
  await build({ ...shared, define, entryPoints: { usnea: 'src/cli/entry.ts' } })
  // The package says "module" for .js files; these are not.
  writeFileSync(`${out}/package.json`, '{"type":"commonjs"}\n')
  // bin/usnea looks there first: it must find a node even without PATH.
  writeFileSync('dist/node-path', `${process.execPath}\n`)
  keepCompiledCode()
}

/** For src/cli/entry.ts, which must wrap the code in the same way. Each call adds what it compiled. */
const compile = `
  const { existsSync, readFileSync, writeFileSync } = require('node:fs')
  const { Script } = require('node:vm')
  const { dirname } = require('node:path')
  const [main, cache, ...argv] = process.argv.splice(1)
  process.argv.push(main, ...argv)
  const source = '(function(exports,require,module,__filename,__dirname){' + readFileSync(main, 'latin1') + '\\n})'
  const cachedData = existsSync(cache) ? readFileSync(cache) : undefined
  const script = new Script(source, { filename: main, cachedData })
  process.on('exit', () => writeFileSync(cache, script.createCachedData()))
  script.runInThisContext()({}, require('node:module').createRequire(main), { exports: {} }, main, dirname(main))
`

/** What usnea-init answers when it is called without a conversation. */
const NO_CONVERSATION = 2

/**
 * V8 compiles a function when it is first called, so verbs have to run: `run` with init itself as the program goes
 * through most of the code of engines, a sandbox and `plan` through that of people.
 */
function keepCompiledCode() {
  const bundlePath = mkdtempSync(join(tmpdir(), 'usnea-build-'))
  try {
    mkdirSync(join(bundlePath, 'rootfs'))
    execFileSync(process.execPath, [`${out}/usnea.js`, 'spec', '--rootless', '--bundle', bundlePath])
    copyFileSync('native/build/usnea-init', join(bundlePath, 'rootfs/init'))
    const config = join(bundlePath, 'config.json')
    writeFileSync(config, readFileSync(config, 'utf8').replace('"sh"', '"/init"'))
    const call = (bundle, ...words) => {
      const files = [`${bundle}.js`, `${bundle}-${process.version}-${process.arch}.cache`].map((name) =>
        resolve(out, name),
      )
      return spawnSync(process.execPath, ['-e', compile, ...files, ...words], { stdio: 'ignore' }).status
    }
    const engine = (...words) => call('engine', '--root', join(bundlePath, 'state'), ...words)
    const made = ['--bundle', bundlePath, 'build']
    if (engine('run', ...made) === NO_CONVERSATION && engine('create', ...made) === 0) engine('delete', 'build')
    call('main', 'sandbox', '--', '/bin/true')
    call('main', 'plan', '--bundle', bundlePath)
  } finally {
    rmSync(bundlePath, { recursive: true })
  }
}
