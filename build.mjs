// Builds everything: native/build (make), generated sources, dist/lib (tsc), dist/cli (esbuild), dist/man.
// With arguments, only the named parts: native gen lib cli man.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'

const parts = {
  native: () => execFileSync('make', ['-s', '-C', 'native'], { stdio: 'inherit' }),
  gen: generate,
  lib: () => {
    rmSync('dist/lib', { recursive: true, force: true })
    execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], {
      stdio: 'inherit',
    })
  },
  cli: async () => (await import('./src/cli/bundle.mjs')).bundle(),
  man: async () => (await import('./src/cli/manual.mjs')).writeManual(),
}

async function generate() {
  const text = readFileSync('native/plan.def', 'utf8')
  writeFileSync('src/kernel/plan-def.ts', planDefinition(text))
  if (existsSync('src/spec/schema/generate.mjs')) await (await import('./src/spec/schema/generate.mjs')).generate()
}

/** The TypeScript twin of plan.def: names, phases, argument kinds and the message numbers. */
function planDefinition(text) {
  const kinds = { U64: 'bigint | number', STR: 'string', LIST: 'readonly string[]' }
  const ops = []
  for (const [, name, phase, list] of text.matchAll(/^OP\((\w+),\s*(\w+),\s*(.*?)\)$/gm)) {
    const args = [...list.matchAll(/(U64|STR|LIST)\((\w+)\)/g)].map(([, kind, arg]) => ({ kind, arg }))
    ops.push({ name, phase, args })
  }
  const messages = [...text.matchAll(/^MESSAGE\((\w+),\s*"([<>])"\)$/gm)].map(([, name]) => name)
  const sum = createHash('sha256').update(text).digest('hex').slice(0, 8)
  const camel = (name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase())
  return [
    '// Generated from native/plan.def by build.mjs. Do not edit.',
    'export interface OpArguments {',
    ...ops.map(
      (op) => `  ${camel(op.name)}: {${op.args.map((a) => ` readonly ${camel(a.arg)}: ${kinds[a.kind]}`).join(';')} }`,
    ),
    '}',
    "export type ArgumentKind = 'U64' | 'STR' | 'LIST'",
    "export type Phase = 'outer' | 'birth' | 'inner' | 'rootfs' | 'pivot' | 'process' | 'last' | 'any'",
    'export interface OpShape { readonly code: number; readonly phase: Phase; readonly args: readonly (readonly [name: string, kind: ArgumentKind])[] }',
    'export const opShapes: { readonly [Name in keyof OpArguments]: OpShape } = {',
    ...ops.map(
      (op, code) =>
        `  ${camel(op.name)}: { code: ${code}, phase: '${op.phase}', args: [${op.args.map((a) => `['${camel(a.arg)}', '${a.kind}']`).join(', ')}] },`,
    ),
    '}',
    '/** Numbers of the messages between init and us. */',
    'export const messages = {',
    ...messages.map((name, code) => `  ${camel(name)}: ${code + 1},`),
    '} as const',
    `/** First 32 bits of the SHA-256 of plan.def: init refuses a plan made from another one. */`,
    `export const planSum = 0x${sum}`,
    '',
  ].join('\n')
}

const wanted = process.argv.slice(2)
for (const name of wanted.length > 0 ? wanted : Object.keys(parts)) await parts[name]()
