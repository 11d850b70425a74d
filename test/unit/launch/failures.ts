/** Runs a table of failures: one test each, which compares the code and the whole message. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Code, RuntimeError } from '../../../src/base/errors.ts'
import type { Host } from '../../../src/host/facts.ts'
import type { Op } from '../../../src/kernel/plan.ts'
import { explain } from '../../../src/launch/explain.ts'
import { aHost } from '../host/literal.ts'

type Case = readonly [name: string, failure: () => RuntimeError, code: Code, message: string]

export const failed =
  (op: Op, errno: string, host: Host = aHost(), detail = ''): (() => RuntimeError) =>
  () =>
    explain({ op, errno, detail }, host)

export function explains(cases: readonly Case[]): void {
  for (const [name, failure, code, message] of cases) {
    test(`the whole message: ${name}`, () => {
      const error = failure()
      assert.equal(error.message, message)
      assert.equal(error.code, code)
    })
  }
}
