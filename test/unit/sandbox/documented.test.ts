/** Every option of the library is told, with its default, where it is declared and in docs/library.md. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

const declared: Readonly<Record<string, readonly string[]>> = {
  'options.ts': ['SandboxOptions'],
  'limits.ts': ['LimitOptions'],
  'egress/options.ts': ['EgressOptions'],
  'api.ts': ['SandboxSettings'],
  'call.ts': ['SpawnOptions', 'RunOptions', 'ShellOptions'],
  'ending.ts': ['EndingOptions'],
  'adapters/ai-sdk.ts': ['AiSessionOptions'],
}

interface Option {
  readonly name: string
  readonly comment: string
}

function optionsOf(file: string, type: string): Option[] {
  const source = readFileSync(`src/sandbox/${file}`, 'utf8')
  const body = new RegExp(`^export interface ${type}\\b[^{]*\\{\\n([\\s\\S]*?)^\\}`, 'm').exec(source)?.[1]
  assert.ok(body !== undefined, `${type} is not in ${file}`)
  const members = [...body.matchAll(/((?:^ {2}(?:\/\*\*| \*).*\n)*)^ {2}readonly (\w+)\?:/gm)]
  assert.ok(members.length > 0, type)
  return members.map(([, comment = '', name = '']) => ({ name, comment }))
}

const page = readFileSync('docs/library.md', 'utf8')
const rows = page.split('\n').filter((line) => line.startsWith('|'))

for (const [file, types] of Object.entries(declared))
  for (const type of types)
    test(`${type}: each option has a comment with its default, and a row in docs/library.md`, () => {
      const wanting = optionsOf(file, type).flatMap(({ name, comment }) => [
        ...(/\bdefault\b/i.test(comment) ? [] : [`${name}: no default in its comment`]),
        ...(rows.some((row) => row.split('|')[1]?.includes(`\`${name}\``)) || page.includes(`\`settings.${name}\``)
          ? []
          : [`${name}: no row`]),
      ])
      assert.deepEqual(wanting, [])
    })
