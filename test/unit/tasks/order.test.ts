import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { TaskHappening } from '../../../src/tasks/events/event.ts'
import { admit, newFacts, notStarted, starting, type TaskFacts } from '../../../src/tasks/events/order.ts'

const time = '2026-01-01T00:00:00.000Z'
const containerId = 'box'
const create: TaskHappening = {
  topic: '/tasks/create',
  time,
  event: { containerId, bundle: '/b', rootfs: [], io: undefined, checkpoint: '', pid: 7 },
}
const start = (pid = 7): TaskHappening => ({ topic: '/tasks/start', time, event: { containerId, pid } })
const exit = (id = 'box', pid = 7, exitStatus = 3): TaskHappening => ({
  topic: '/tasks/exit',
  time,
  event: { containerId, id, pid, exitStatus, exitedAt: time },
})
const remove = (pid = 7, exitStatus = 137): TaskHappening => ({
  topic: '/tasks/delete',
  time,
  event: { containerId, id: '', pid, exitStatus, exitedAt: time },
})
const added = (execId: string): TaskHappening => ({ topic: '/tasks/exec-added', time, event: { containerId, execId } })
const execStart = (execId: string): TaskHappening => ({
  topic: '/tasks/exec-started',
  time,
  event: { containerId, execId, pid: 8 },
})
const paused: TaskHappening = { topic: '/tasks/paused', time, event: { containerId } }

const nameOf = ({ topic, event }: TaskHappening): string => {
  const id = 'execId' in event ? event.execId : 'id' in event && event.id !== 'box' ? event.id : ''
  return `${topic.replace('/tasks/', '')}${id === '' ? '' : ` ${id}`}`
}

/** `starting:ID` and `failed:ID` are what our own calls do. */
function tell(told: readonly (TaskHappening | string)[], facts: TaskFacts = newFacts(containerId)): string[] {
  const written: TaskHappening[] = []
  let now = facts
  for (const one of told) {
    const [verb, id = ''] = typeof one === 'string' ? one.split(':') : []
    if (verb === 'starting') now = starting(now, id)
    else {
      const next = typeof one === 'string' ? notStarted(now, id) : admit(now, one)
      written.push(...next.written)
      now = next.facts
    }
  }
  return written.map(nameOf)
}

describe('the order of events', () => {
  it('is what it is when all goes well, and what is told twice is written once', () => {
    const all = [create, start(), added('x'), execStart('x'), exit('x', 8), exit(), remove()]
    const names = ['create', 'start', 'exec-added x', 'exec-started x', 'exit x', 'exit', 'delete']
    assert.deepEqual(tell(all), names)
    assert.deepEqual(tell(all.flatMap((one) => [one, one])), names)
    assert.deepEqual(tell([...all, ...all.slice(1)]), names)
  })

  it('an exit that comes before its start is known waits for it', () => {
    assert.deepEqual(tell([create, 'starting:', exit(), start()]), ['create', 'start', 'exit'])
    assert.deepEqual(tell([create, 'starting:', exit(), 'failed:']), ['create', 'exit'])
    const exec = [create, start(), added('x'), 'starting:x', exit('x', 8)]
    assert.deepEqual(tell([...exec, execStart('x')]).slice(2), ['exec-added x', 'exec-started x', 'exit x'])
    assert.deepEqual(tell([...exec, 'failed:x']).slice(2), ['exec-added x'])
  })

  it('the exits of execs come before that of their container', () => {
    const running = [create, start(), added('x'), execStart('x'), exit()]
    assert.deepEqual(tell(running).at(-1), 'exec-started x')
    assert.deepEqual(tell([...running, exit('x', 8)]).slice(-2), ['exit x', 'exit'])
  })

  it('what belongs to an earlier task of that id is not taken for one of this', () => {
    assert.deepEqual(tell([exit('box', 6), remove(6), start(6), create, start()], newFacts('box', 7)), [
      'create',
      'start',
    ])
  })

  it('a delete brings the exit that it needs, and nothing comes after it', () => {
    assert.deepEqual(tell([create, start(), remove(), exit(), paused]), ['create', 'start', 'exit', 'delete'])
    assert.deepEqual(tell([create, remove()]), ['create', 'delete'])
    const running = [create, start(), added('x'), execStart('x'), added('y'), execStart('y'), added('z')]
    const ends = ['exit y', 'exit x', 'exit', 'delete']
    assert.deepEqual(tell([...running, exit('y', 8), exit(), remove()]).slice(-4), ends)
    assert.deepEqual(tell([...running, exit('y', 8), remove()]).slice(-4), ends)
  })

  it('a start or a pause that comes late, after the exit, is not written', () => {
    assert.deepEqual(tell([create, exit(), start(), paused, added('x')]), ['create', 'exit'])
  })

  it('the id of an exec that has ended may be used again', () => {
    const twice = [added('x'), execStart('x'), exit('x', 8)]
    assert.equal(tell([create, start(), ...twice, ...twice]).length, 8)
  })

  it('holds whatever comes, in whatever order, however often', () => {
    const any = fc.constantFrom<TaskHappening | string>(
      ...[create, start(), exit(), remove(), added('x'), execStart('x'), exit('x', 8), paused],
      ...['starting:', 'failed:', 'starting:x', 'failed:x'],
    )
    fc.assert(
      fc.property(fc.array(any, { maxLength: 30 }), (told) => {
        const written = tell([create, ...told])
        const at = (name: string) => written.indexOf(name)
        const once = ['create', 'start', 'exit', 'delete']
        for (const name of once) assert.ok(written.filter((one) => one === name).length <= 1, name)
        if (at('start') >= 0 && at('delete') >= 0) assert.ok(at('exit') > at('start'), 'every start has its exit')
        if (at('exit') >= 0) assert.ok(written.lastIndexOf('exit x') < at('exit'), 'exits of execs come first')
        if (at('delete') >= 0) assert.equal(at('delete'), written.length - 1)
        if (at('start') >= 0 && at('exit') >= 0) assert.ok(at('start') < at('exit'))
      }),
      { numRuns: 2000 },
    )
  })
})
