// Writes the manual pages into dist/man, from the tables of the command line.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const out = 'dist/man'

export async function writeManual() {
  rmSync(out, { recursive: true, force: true })
  mkdirSync(out, { recursive: true })
  const generator = resolve(out, 'generator.mjs')
  const shared = {
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    target: 'node20.19',
    logLevel: 'warning',
  }
  await build({ ...shared, entryPoints: ['src/cli/completion/manual.ts'], outfile: generator })
  try {
    const { manualPages } = await import(pathToFileURL(generator).href)
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
    for (const { file, text } of await manualPages(version)) writeFileSync(join(out, file), text)
  } finally {
    rmSync(generator)
  }
}
