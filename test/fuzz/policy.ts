/** A policy that came with somebody else's project: its TOML, its shape, and whether it opens more than a project may. */
import assert from 'node:assert/strict'
import { policyRules, policyShape } from '../../src/config/sandbox.ts'
import { checkShape } from '../../src/config/shape.ts'
import { readToml } from '../../src/config/toml.ts'
import { widenings } from '../../src/sandbox/project.ts'
import { kindOf, type Target } from './target.ts'

const closed = policyRules.filter(({ project }) => project === 'never').map(({ name }) => name)

/** Every place lies in the text, and what no project may decide is found out whenever it is said. */
function runPolicy(input: Buffer): string {
  const text = input.toString()
  const document = readToml(text, 'policy')
  const lines = text.split('\n').length
  const problems = checkShape(document.values, policyShape)
  for (const { path } of problems) {
    const { line, column } = document.place(path) ?? { line: 1, column: 1 }
    assert.ok(line >= 1 && line <= lines && column >= 1, `${line}:${column} of ${lines}`)
  }
  if (problems.length > 0) return kindOf(problems[0]?.message ?? '')
  const found = widenings({
    directory: '/usr',
    values: document.values,
    below: { timeout: 60_000, files: 9, disk: 99 },
  })
  for (const name of closed) {
    const said = document.values[name]
    const isEmpty = said === undefined || (Array.isArray(said) && said.length === 0)
    assert.equal(
      found.some(({ rule }) => rule === name),
      !isEmpty,
      name,
    )
  }
  return found.map(({ rule }) => rule).join()
}

export const policy: readonly Target[] = [
  {
    name: 'policy',
    seeds: [
      'rw = ["bin", "?lib"]\nhide = ["*.key"]\nnet = "none"\nnested = false\ntimeout = "30s"\n',
      "ro = ['''/etc''']\nconnect = [80, 443]\n\"allow-host\" = [\n  'a.example:443', # one\n]\nproxy = true\n",
      'env = ["A=b"]\nprofile = "build"\nmin-level = "u1"\ndisk = "64M"\nfiles = "10"\naccept = []\n',
    ],
    words: [
      ...policyRules.map(({ name }) => `\n${name} = `),
      '"""',
      '[[',
      '[a.b]\n',
      '"\\u00e4"',
      '1979-05-27',
      '{ a = 1 }',
    ],
    run: runPolicy,
  },
]
