// Needs a static busybox; of several creates with one id at the same time exactly one wins.
import assert from 'node:assert/strict'
import { testAs } from '../fixtures/cases.ts'
import { refused, succeeded } from '../fixtures/world.ts'

testAs({}, 'of concurrent creates with one id exactly one wins, and the others change nothing', async (world) => {
  const bundle = await world.bundle((config) => {
    config.process.args = ['sleep', '1000']
  })
  for (let round = 0; round < 5; round++) {
    const id = world.newId()
    const calls = Array.from({ length: 4 }, () => world.usnea(['create', '--bundle', bundle.path, id]))
    const outcomes = await Promise.all(calls)
    const winners = outcomes.filter(({ status }) => status === 0)
    assert.equal(winners.length, 1, outcomes.map(({ stderr }) => stderr).join('\n'))
    for (const outcome of outcomes) if (outcome.status !== 0) refused(outcome, /container with given ID already exists/)
    assert.equal(JSON.parse(succeeded(await world.usnea(['state', id]))).status, 'created')
    succeeded(await world.usnea(['start', id]))
    succeeded(await world.usnea(['delete', '--force', id]))
  }
})

testAs({}, 'of concurrent starts exactly one wins', async (world) => {
  const bundle = await world.bundle((config) => {
    config.process.args = ['sleep', '1000']
  })
  const id = world.newId()
  succeeded(await world.usnea(['create', '--bundle', bundle.path, id]))
  const outcomes = await Promise.all(Array.from({ length: 4 }, () => world.usnea(['start', id])))
  assert.equal(outcomes.filter(({ status }) => status === 0).length, 1, outcomes.map(({ stderr }) => stderr).join('\n'))
  assert.equal(JSON.parse(succeeded(await world.usnea(['state', id]))).status, 'running')
  succeeded(await world.usnea(['delete', '--force', id]))
})

testAs({}, 'delete --force during a create leaves either nothing or a whole container', async (world) => {
  const bundle = await world.bundle((config) => {
    config.process.args = ['sleep', '1000']
  })
  for (let round = 0; round < 8; round++) {
    const id = world.newId()
    const created = world.usnea(['create', '--bundle', bundle.path, id])
    const deleted = await world.usnea(['delete', '--force', id])
    const { status } = await created
    // Deleting may lose the race, or be told that the other call holds the container.
    assert.ok(deleted.status === 0 || /lock/.test(deleted.stderr), deleted.stderr)
    const seen = await world.usnea(['state', id])
    if (seen.status === 0) assert.equal(status, 0)
    succeeded(await world.usnea(['delete', '--force', id]))
  }
})
