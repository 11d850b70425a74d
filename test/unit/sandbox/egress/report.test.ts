/** What is told of the network, and that nothing goes without being counted. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { denialOfNetwork } from '../../../../src/sandbox/denials/denial.ts'
import { DenialList } from '../../../../src/sandbox/denials/list.ts'
import { type NetworkEvent, Reporter } from '../../../../src/sandbox/egress/report.ts'

test('a flood is cut short, and told how much of it', () => {
  const told: NetworkEvent[] = []
  const reporter = new Reporter((event) => told.push(event))
  for (let port = 1; port <= 5000; port++) reporter.tell({ kind: 'tcp', verdict: 'refused', port })
  reporter.tellLost()
  reporter.tellLost()
  const lost = told.filter(({ kind }) => kind === 'lost').at(-1)?.count ?? 0
  const shown = told.filter(({ kind }) => kind === 'tcp').length
  assert.equal(shown + lost, 5000)
  assert.ok(lost >= 4000, `${shown} of 5000 were told`)

  const list = new DenialList()
  for (const event of told) list.add(denialOfNetwork(event))
  const denial = list.all.find(({ kind }) => kind === 'lost')
  assert.deepEqual([denial?.action, denial?.count], ['network', lost])
})

test('what comes again at once is told once, and is not lost', () => {
  const told: NetworkEvent[] = []
  const reporter = new Reporter((event) => told.push(event))
  for (let time = 0; time < 50; time++) reporter.tell({ kind: 'dns', verdict: 'refused', host: 'a.example' })
  reporter.tellLost()
  assert.ok(told.every(({ kind }) => kind === 'dns'))
})
