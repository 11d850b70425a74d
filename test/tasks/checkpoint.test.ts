// Needs root, a static busybox, a criu that works.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { whyNot } from '../fixtures/as.ts'
import { imageOf, whyNoCriu, withCriu } from '../fixtures/criu.ts'
import { needs } from '../fixtures/needs.ts'
import { until } from '../fixtures/until.ts'
import { openWorld, refused, succeeded } from '../fixtures/world.ts'

const skip = needs('busybox') ?? whyNot('root') ?? whyNoCriu()
const world = skip === undefined ? await openWorld('root') : undefined
after(() => world?.[Symbol.asyncDispose]())

test('a task is saved, and another one goes on where it was', { skip }, async () => {
  assert.ok(world)
  const service = join(world.identity.home, 'service')
  const call = (verb: string, ...words: string[]) =>
    world.usnea(['task', verb, '--service', service, ...words], withCriu(world, { noRoot: true }))
  // A word that only its memory has, told when it is asked for.
  const program =
    'word=$(cat /proc/sys/kernel/random/uuid); while :; do echo $word >/new; mv /new /word; sleep 0.05; done'
  const { path } = await world.bundle((config) => {
    config.process.args = ['sh', '-c', program]
  })
  const look = async (id: string) => {
    let word = ''
    await until(`${id} tells its word`, async () => {
      const told = await call('exec', id, 'sh', '-c', 'rm -f /word; sleep 0.3; cat /word')
      word = told.stdout.trim()
      return word !== ''
    })
    return word
  }
  succeeded(await call('create', '--no-output', '--bundle', path, 'first'))
  succeeded(await call('start', 'first'))
  const word = await look('first')
  const image = imageOf(world)
  succeeded(await call('checkpoint', '--exit', 'first', image))
  assert.equal(succeeded(await call('wait', 'first')), '137\n')
  succeeded(await call('delete', 'first'))
  succeeded(await call('create', '--no-output', '--bundle', path, '--checkpoint', image, 'second'))
  succeeded(await call('start', 'second'))
  assert.equal(await look('second'), word)
  const events = succeeded(await call('events'))
  assert.match(events, /\/tasks\/checkpointed/)
  succeeded(await call('delete', '--force', 'second'))
  const nothing = await call('run', '--bundle', path, '--checkpoint', '/nowhere', 'third')
  refused(nothing, /checkpoint|image|\/nowhere/)
  assert.doesNotMatch(succeeded(await call('list')), /third/)
})
