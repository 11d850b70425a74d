/** Every verb has examples, and each of them is a call that we would take. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countProblem, readCall, readGlobals } from '../../../src/cli/argv.ts'
import { readVerbs } from '../../../src/cli/completion/table.ts'
import { examples } from '../../../src/cli/examples.ts'
import { findCommand, findSubcommand } from '../../../src/cli/find-command.ts'
import { verbs } from '../../../src/cli/verbs.ts'

const entries = (await readVerbs(verbs)).flatMap((entry) => [entry, ...entry.parts])

test('every verb has examples', () => {
  const without = entries.filter((entry) => entry.examples.length === 0).map(({ name }) => name)
  assert.deepEqual(without, [])
  const names = entries.map(({ name }) => name)
  assert.deepEqual(
    Object.keys(examples).filter((name) => !names.includes(name)),
    [],
  )
})

/** As a shell would cut them, without remarks, redirections, and what is piped. */
const wordsOf = (line: string): string[] =>
  (line.replace(/\s#.*|\s[<>|].*|^source <\(|\).*/g, '').match(/"[^"]*"|'[^']*'|\S+/g) ?? []).map((word) =>
    word.replace(/^["']|["']$/g, ''),
  )

for (const { name, examples } of entries)
  test(`the examples of ${name} are read without a complaint`, async () => {
    for (const line of examples) {
      const [program, ...words] = wordsOf(line)
      if (program !== 'usnea') continue
      const { verb, rest, problem } = readGlobals(words)
      assert.equal(problem, undefined, line)
      if (verb === undefined) continue
      const found = await findSubcommand(await findCommand(verb, verbs), rest)
      const call = readCall(found.command, found.words)
      assert.equal(call.help ? undefined : countProblem(found.command, call), undefined, line)
    }
  })
