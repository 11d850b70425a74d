import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { corpusOf, fuzz, targets } from '../fuzz/fuzz.ts'

/** For longer: npm run test:fuzz. */
describe('what is parsed holds its properties', () => {
  for (const target of targets)
    it(`${target.name}: the corpus and some hundred inputs made of it`, () => {
      const { crash, runs, kept } = fuzz(target, { seed: 1, most: corpusOf(target).length + 200 })
      assert.equal(crash?.error, undefined)
      assert.ok(runs > 200 && kept > 0)
    })
})
