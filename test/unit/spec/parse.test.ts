import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { findMistake } from '../../../src/spec/json.ts'
import { parseConfig, parseProcess, type SyntaxIssue } from '../../../src/spec/parse.ts'

function issueOf(text: string): SyntaxIssue {
  const result = parseConfig(text)
  assert.ok('issue' in result, `no mistake was found in ${text}`)
  return result.issue
}

function parses(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

describe('parseConfig', () => {
  it('gives the object as it is written', () => {
    assert.deepEqual(parseConfig('{"ociVersion":"1.0.0","x":[1,{"y":2}]}'), {
      spec: { ociVersion: '1.0.0', x: [1, { y: 2 }] },
    })
  })

  it('tolerates a byte order mark, and counts positions after it', () => {
    assert.deepEqual(parseConfig('\uFEFF{"a":1}'), { spec: { a: 1 } })
    assert.equal(issueOf('\uFEFF{?}').column, 2)
  })

  it('takes members that are null as absent, in any depth, but keeps null elements of lists', () => {
    assert.deepEqual(parseConfig('{"a":null,"b":{"c":null,"d":[null,{"e":null}]}}'), { spec: { b: { d: [null, {}] } } })
  })

  for (const [text, line, column, words] of [
    ['', 1, 1, 'the text ends too early: a value is expected'],
    ['{\n  "a": 1,\n}', 3, 1, 'the comma before } is one too many'],
    ['{"a": [1, 2,]}', 1, 13, 'the comma before ] is one too many'],
    ['{\r\n\t"a" 1}', 2, 6, 'a colon is expected, found "1"'],
    ['{"a": 1 "b": 2}', 1, 9, 'a comma or closing bracket is expected, found "\\""'],
    ["{'a': 1}", 1, 2, 'JSON knows only double quotes'],
    ['{a: 1}', 1, 2, 'a name in double quotes or } is expected, found "a"'],
    ['{"a": 1} x', 1, 10, 'nothing more is expected after the value, found "x"'],
    ['{} {}', 1, 4, 'nothing more is expected'],
    ['{"a": 01}', 1, 8, 'a comma or closing bracket is expected, found "1"'],
    ['{"a": tru}', 1, 7, 'a value is expected, found "t"'],
    ['{"a": "x\ny"}', 1, 9, 'a line break or control character stands inside a string'],
    ['{"a": "\\x"}', 1, 8, 'a wrong escape stands inside a string'],
    ['{"a": "\\u12"}', 1, 8, 'a wrong escape stands inside a string'],
    ['{"a": "b', 1, 7, 'the string that begins here never ends'],
    ['{"a": "b\\', 1, 9, 'a wrong escape stands inside a string'],
    ['{"a": [{', 1, 9, '3 brackets are not closed'],
    ['{"a": 1 // one\n}', 1, 9, 'JSON has no comments'],
    ['{"ä😀": ?}', 1, 8, 'a value is expected, found "?"'],
    ['[1]', 1, 1, 'an object is expected, found a list'],
    ['\n "text"', 2, 2, 'an object is expected, found "text"'],
    ['null', 1, 1, 'an object is expected, found null'],
  ] as const) {
    it(`tells line ${line}, column ${column} of ${JSON.stringify(text)}`, () => {
      const issue = issueOf(text)
      assert.deepEqual([issue.line, issue.column], [line, column])
      assert.ok(issue.message.startsWith(`line ${line}, column ${column}: `), issue.message)
      assert.ok(issue.message.includes(words), issue.message)
      assert.equal(issue.severity, 'error')
    })
  }

  it('shows a short excerpt of the line, without control characters', () => {
    const text = `{"a": ${'1, "b": '.repeat(40)}\n}`
    const message = issueOf(`{\n  "cwd": "\u001b[31m/",\n  "args": ["sh" "-c"]\n}`).message
    assert.match(message, /near `.*\?\[31m/)
    assert.ok(issueOf(text).message.length < 160)
    assert.ok(!message.includes('\u001b'))
  })

  it('survives nesting deeper than the stack', () => {
    const depth = 50_000
    assert.ok('spec' in parseConfig(`{"a":${'['.repeat(depth)}{"b":null}${']'.repeat(depth)}}`))
    assert.match(issueOf(`{"a":${'['.repeat(depth)}`).message, /50001 brackets are not closed/)
  })

  it('parses a process description the same way', () => {
    assert.deepEqual(parseProcess('{"args":["sh"],"user":null}'), { process: { args: ['sh'] } })
    assert.ok('issue' in parseProcess('{"args":'))
  })
})

describe('findMistake', () => {
  const broken = fc
    .tuple(
      fc.jsonValue({ maxDepth: 3 }),
      fc.nat(),
      fc.constantFrom('', '"', '}', ']', '{', '[', ',', ':', '\\', '1', '-', 'e', '.', ' ', '\n', 'nul', '\u0001'),
    )
    .map(([value, place, insert]) => {
      const text = JSON.stringify(value, null, 1)
      const at = place % (text.length + 1)
      return text.slice(0, at) + insert + text.slice(insert === '' ? at + 1 : at)
    })

  it('finds a mistake exactly where the engine refuses the text', () => {
    fc.assert(
      fc.property(broken, (text) => {
        assert.equal(findMistake(text) === undefined, parses(text), text)
      }),
      { numRuns: 600 },
    )
  })

  it('points into the text or to its end, and what stands before could still become JSON', () => {
    fc.assert(
      fc.property(broken, (text) => {
        const mistake = findMistake(text)
        if (mistake === undefined) return
        assert.ok(mistake.offset >= 0 && mistake.offset <= text.length)
        const before = findMistake(text.slice(0, mistake.offset))
        assert.ok(before === undefined || /too early|never ends/.test(before.message), `${text}: ${before?.message}`)
      }),
      { numRuns: 200 },
    )
  })
})
