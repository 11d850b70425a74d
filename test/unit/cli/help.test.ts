import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { readCall } from '../../../src/cli/argv.ts'
import type { Flag, Grammar } from '../../../src/cli/flags.ts'
import { openParser } from '../../../src/cli/help.ts'

const flags = [
  { name: 'bundle', short: 'b', kind: 'text', help: '' },
  { name: 'env', short: 'e', kind: 'list', help: '' },
  { name: 'no-pivot', kind: 'boolean', help: '' },
  { name: 'detach', short: 'd', kind: 'boolean', help: '' },
] as const satisfies readonly Flag[]
const grammar: Grammar<typeof flags> = { name: 'test', flags, count: [0, 9] }

/** Words without a leading dash, which yargs reads as an option even where it must be a value, and without quotes, which it takes off. */
const value = fc
  .oneof(fc.constantFrom('1', '0x10', '1e3', 'a.b=c', 'x,y', 'true', '', 'no-pivot'), fc.string())
  .filter((text) => !text.startsWith('-') && !/^(["']).*\1$/s.test(text))
const option = fc.oneof(
  fc.tuple(fc.constantFrom('bundle', 'env'), value).map(([name, text]) => `--${name}=${text}`),
  fc.constantFrom('--no-pivot', '--detach', '--detach=false', '--no-pivot=true'),
)

/** Everything off by which yargs changes what a caller wrote. */
const faithful = {
  'boolean-negation': false,
  'camel-case-expansion': false,
  'dot-notation': false,
  'greedy-arrays': false,
  'parse-numbers': false,
  'parse-positional-numbers': false,
}

it('yargs, which prints the help, reads the same tables as we do', async () => {
  const parser = (await openParser(flags)).parserConfiguration(faithful)
  await fc.assert(
    fc.asyncProperty(fc.array(option), fc.array(value), async (options, args) => {
      const ours = readCall(grammar, [...options, '--', ...args])
      const theirs = await parser.parse([...options, '--', ...args])
      const { bundle, env, detach, 'no-pivot': noPivot } = ours.flags
      assert.deepEqual([...ours.args], theirs._)
      assert.equal(detach, theirs.detach ?? false)
      assert.equal(noPivot, theirs['no-pivot'] ?? false)
      // A repeated option is a list for yargs; the last one counts for us, and an empty one is none.
      assert.equal(bundle, [theirs.bundle].flat().at(-1) || undefined)
      assert.deepEqual([...env], theirs.env ?? [])
    }),
  )
})
