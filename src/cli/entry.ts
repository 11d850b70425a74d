/**
 * What node loads first, bundled as CommonJS. It runs a bundle from code that was compiled before: compiling takes
 * longer than most verbs themselves. The build leaves that code for its own release of node; elsewhere node 22.8 and
 * later keep it by themselves. V8 refuses code of another release, and then compiles as ever.
 */
import { readFileSync, statSync } from 'node:fs'

/** bin/usnea kept them from Node, and from Node only. */
const kept = { NODE_EXTRA_CA_CERTS: 'USNEA_CA_CERTS', NODE_OPTIONS: 'USNEA_NODE_OPTIONS' }
for (const [name, as] of Object.entries(kept)) {
  const value = process.env[as]
  if (value === undefined) continue
  process.env[name] = value
  delete process.env[as]
}

/** The verbs of engines are a bundle of their own, because what a bundle holds takes its time: see bundle.mjs. */
declare const __USNEA_VERBS__: readonly string[]

/** As far as a look tells; the smaller bundle passes on what it does not hold. */
function chooseBundle(words: readonly string[]): 'engine' | 'main' {
  const verb = words.find((word, at) => !word.startsWith('-') && !/^--[a-z-]+$/.test(words[at - 1] ?? ''))
  const switched = words.find((word) => __USNEA_VERBS__.includes(word))
  return switched !== undefined && (verb === undefined || words.indexOf(verb) >= words.indexOf(switched))
    ? 'engine'
    : 'main'
}

const bundle = chooseBundle(process.argv.slice(2))
const main = `${__dirname}/${bundle}.js`

const compiled = compiledByBuild()
if (compiled === undefined) {
  keepCompiledCode()
  require(main)
} else {
  runCompiled(compiled)
}

function compiledByBuild(): Buffer | undefined {
  try {
    return readFileSync(`${__dirname}/${bundle}-${process.version}-${process.arch}.cache`)
  } catch {
    return undefined
  }
}

/** The wrapping must be that of bundle.mjs, which wrote the compiled code. */
function runCompiled(cachedData: Buffer): void {
  const { Script } = process.getBuiltinModule('node:vm')
  const source = `(function(exports,require,module,__filename,__dirname){${readFileSync(main, 'latin1')}\n})`
  const script = new Script(source, { filename: main, cachedData })
  script.runInThisContext()({}, require, { exports: {} }, main, __dirname)
}

/**
 * Only beside our own code, and only where it belongs to us: whoever can poison the cache can change the code as well,
 * and root leaves no files in the checkout of somebody else.
 */
function keepCompiledCode(): void {
  if (Number.parseInt(process.versions.node, 10) < 22 || statSync(__dirname).uid !== process.geteuid?.()) return
  const module = process.getBuiltinModule('node:module') as { enableCompileCache?: (directory: string) => unknown }
  module.enableCompileCache?.(`${__dirname}/cache`)
}
