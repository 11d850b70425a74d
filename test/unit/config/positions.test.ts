// Where the keys of a TOML document stand: by example, and for any document that smol-toml writes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parse, stringify } from 'smol-toml'
import { findPositions, type Path, positionKey } from '../../../src/config/positions.ts'

function place(text: string, ...path: Path): string | undefined {
  const found = findPositions(text).get(positionKey(path))
  return found && `${found.line}:${found.column}`
}

test('plain keys, dotted keys, headers and quoted keys', () => {
  const text = 'a = 1\n  b.c = "x" # b.d = 2\n[t."x.y"]\nk = 1\n[t.z]\n'
  assert.equal(place(text, 'a'), '1:1')
  assert.equal(place(text, 'b'), '2:3')
  assert.equal(place(text, 'b', 'c'), '2:3')
  assert.equal(place(text, 'b', 'd'), undefined)
  assert.equal(place(text, 't', 'x.y'), '3:1')
  assert.equal(place(text, 't', 'x.y', 'k'), '4:1')
  assert.equal(place(text, 't', 'z'), '5:1')
})

test('texts of many lines do not look like keys', () => {
  const text = 'a = """\nb = 1\n\\"""\nc = 2"""""\nd = \'\'\'\ne = 3\'\'\'\nf = 4\n'
  assert.deepEqual([...findPositions(text).keys()].sort(), ['["a"]', '["d"]', '["f"]'])
  assert.equal(place(text, 'f'), '7:1')
})

test('elements of lists, keys of inline tables, and tables of a list', () => {
  const text = 'a = [ 1, # x\n  { b = 2, c = "}" } ]\r\n[[r]]\nn = 1\n[[r]]\nn = 2\n[r.deep]\no = 3\n'
  assert.equal(place(text, 'a', 0), '1:7')
  assert.equal(place(text, 'a', 1, 'b'), '2:5')
  assert.equal(place(text, 'a', 1, 'c'), '2:12')
  assert.equal(place(text, 'r', 0), '3:1')
  assert.equal(place(text, 'r', 1, 'n'), '6:1')
  assert.equal(place(text, 'r', 1, 'deep', 'o'), '8:1')
})

const key = fc.string({ minLength: 1, unit: 'grapheme' }).filter((name) => name !== '__proto__')
const value = fc.letrec((tie) => ({
  any: fc.oneof({ depthSize: 'small' }, tie('leaf'), tie('list'), tie('table')),
  leaf: fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constantFrom('a"""b', "it's\n[x]\ny = 1", '# {', '\\')),
  list: fc.array(tie('leaf'), { maxLength: 3 }),
  table: fc.dictionary(key, tie('any'), { maxKeys: 3 }),
})).any
const document = fc.dictionary(key, value, { maxKeys: 4 })

function pathsIn(table: unknown, path: Path = []): Path[] {
  if (typeof table !== 'object' || table === null) return [path]
  const inner = Object.entries(table).flatMap(([name, held]) =>
    pathsIn(held, [...path, Array.isArray(table) ? Number(name) : name]),
  )
  return path.length === 0 ? inner : [path, ...inner]
}

test('every value of a document has a place, and a line that names it', () => {
  fc.assert(
    fc.property(document, (values) => {
      const text = stringify(values)
      const positions = findPositions(text)
      for (const path of pathsIn(parse(text))) {
        const found = positions.get(positionKey(path))
        assert.ok(found, `${JSON.stringify(path)} in ${text}`)
        assert.ok((text.split('\n')[found.line - 1]?.length ?? 0) >= found.column - 1)
      }
    }),
    { numRuns: 200 },
  )
})

test('text that is no TOML ends as well', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'[]{}="\'.,# \n\\ab'), maxLength: 60 }), (text) => {
      findPositions(text)
    }),
  )
})
