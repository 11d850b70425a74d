import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Host, IdRange } from '../../../../src/host/facts.ts'
import { planStandIn, wantsStandIn, withProcessLimit } from '../../../../src/linux/watchdog/plan.ts'
import type { Process, Resources, Spec } from '../../../../src/spec/types.ts'

const hostOf = (change: Partial<Host> = {}): Host =>
  ({ realRoot: false, kernel: { release: '6.1.0', major: 6, minor: 1 }, rlimits: {}, ...change }) as Host
const specOf = (resources: Resources, type: 'pid' | 'uts' = 'pid'): Spec =>
  ({ ociVersion: '1.3.0', linux: { namespaces: [{ type }], resources } }) as Spec
const one: IdRange[] = [{ inner: 0, outer: 1000, size: 1 }]
const many: IdRange[] = [...one, { inner: 1, outer: 100_000, size: 65_536 }]
const resources = { memory: { limit: 5 }, pids: { limit: 7 } }

describe('planStandIn', () => {
  const plan = (uid: IdRange[] | undefined, host = hostOf()) =>
    planStandIn(specOf(resources), { host, maps: uid && { uid } })

  it('holds memory and pids, and says whom the kernel refuses', () => {
    assert.deepEqual(plan(one), { memory: 5, tasks: 7, refuses: 'all' })
    assert.deepEqual(plan(many), { memory: 5, tasks: 7, refuses: 'each user' })
    assert.deepEqual(plan(undefined), { memory: 5, tasks: 7 })
    assert.deepEqual(plan(one, hostOf({ kernel: { release: '5.13', major: 5, minor: 13 } })), { memory: 5, tasks: 7 })
    const root = plan([{ inner: 0, outer: 0, size: 1 }], hostOf({ realRoot: true }))
    assert.deepEqual(root, { memory: 5, tasks: 7 }, 'root of the host is never refused')
  })

  it('holds nothing where nothing is asked for, or where nobody knows what belongs to the container', () => {
    const ground = { host: hostOf(), maps: { uid: one } }
    assert.equal(planStandIn(specOf(resources, 'uts'), ground), undefined)
    assert.equal(planStandIn(specOf({ memory: { limit: -1 }, pids: { limit: -1 } }), ground), undefined)
    assert.equal(planStandIn(specOf({ cpu: { shares: 2 } }), ground), undefined)
    assert.deepEqual(planStandIn(specOf({ pids: { limit: 0 } }), ground), { tasks: 1, refuses: 'all' })
  })
})

it('the option or the annotation asks for it', () => {
  assert.equal(wantsStandIn(specOf({}), 'cgroup'), false)
  assert.equal(wantsStandIn(specOf({}), 'watchdog'), true)
  assert.equal(wantsStandIn({ ...specOf({}), annotations: { 'org.usnea.enforce': 'watchdog' } }, 'cgroup'), true)
})

describe('withProcessLimit', () => {
  const process = { args: ['x'], cwd: '/', rlimits: [{ type: 'RLIMIT_NPROC', soft: 3, hard: 100 }] }
  const standIn = { tasks: 7, refuses: 'all' } as const

  it('lowers the limit of the configuration, or of the caller, and never raises one', () => {
    assert.deepEqual(withProcessLimit(process, standIn, hostOf()).rlimits, [{ type: 'RLIMIT_NPROC', soft: 3, hard: 7 }])
    assert.equal(withProcessLimit(process, { ...standIn, tasks: 200 }, hostOf()), process)
    const bare: Process = { args: ['x'], cwd: '/' }
    assert.deepEqual(withProcessLimit(bare, standIn, hostOf()).rlimits, [{ type: 'RLIMIT_NPROC', soft: 7, hard: 7 }])
    const low = hostOf({ rlimits: { RLIMIT_NPROC: { soft: 5n, hard: 5n } } })
    assert.equal(withProcessLimit(bare, standIn, low), bare)
    assert.equal(withProcessLimit(bare, { tasks: 7 }, hostOf()), bare)
  })
})
