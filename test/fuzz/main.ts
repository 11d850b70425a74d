/**
 * Fuzzes what TypeScript parses: node --import tsx test/fuzz/main.ts [TARGET...]. FUZZ_SECONDS for each (20), FUZZ_SEED for the
 * chance. An input that breaks a property is written to native/build/crashes and ends the target; put it into test/fuzz/corpus.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fuzz, targets } from './fuzz.ts'

const seconds = Number(process.env.FUZZ_SECONDS ?? 20)
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 32)
const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !targets.some((target) => target.name === name))
if (unknown.length > 0 || !(seconds > 0)) {
  console.error(`no such target: ${unknown.join(' ')}; there are: ${targets.map(({ name }) => name).join(' ')}`)
  process.exit(2)
}

console.log(`${seconds} s for each target, seed ${seed}`)
let failed = 0
for (const target of targets.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
  const { runs, kept, crash } = fuzz(target, { seconds, seed })
  console.log(
    `${target.name.padEnd(14)} ${String(runs).padStart(9)} executions, ${String(kept).padStart(4)} kinds of answers`,
  )
  if (crash === undefined) continue
  failed++
  const folder = 'native/build/crashes'
  const file = join(folder, `${target.name}-${Date.now()}`)
  mkdirSync(folder, { recursive: true })
  writeFileSync(file, crash.input)
  console.error(`${target.name} broke on ${file} (${crash.input.length} bytes):\n${crash.error}`)
}
process.exitCode = failed > 0 ? 1 : 0
