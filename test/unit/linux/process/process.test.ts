import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Host } from '../../../../src/host/facts.ts'
import { availableCapabilities, capabilityMasks } from '../../../../src/linux/process/capabilities.ts'
import { environmentOf } from '../../../../src/linux/process/environment.ts'
import { planFinalAffinity, planInitialAffinity, planScheduling } from '../../../../src/linux/process/scheduling.ts'

test('effective capabilities need permitted ones, ambient ones need inheritable ones too', () => {
  const masks = capabilityMasks(
    { bounding: ['CAP_CHOWN'], effective: ['CAP_CHOWN', 'CAP_KILL'], permitted: ['CAP_CHOWN'], ambient: ['CAP_CHOWN'] },
    ~0n & 0xffff_ffffn,
  )
  assert.deepEqual([masks.bounding, masks.effective, masks.permitted, masks.ambient], [1n, 1n, 1n, 0n])
})

test('what we do not hold is left out and named', () => {
  const masks = capabilityMasks({ bounding: ['CAP_SYS_ADMIN', 'CAP_CHOWN'], permitted: ['CAP_CHOWN'] }, 1n)
  assert.equal(masks.bounding, 1n)
  assert.deepEqual(masks.missing, ['CAP_SYS_ADMIN'])
})

test('ambient capabilities that are not inheritable are named', () => {
  const sets = { permitted: ['CAP_CHOWN', 'CAP_KILL'], inheritable: ['CAP_KILL'], ambient: ['CAP_KILL', 'CAP_CHOWN'] }
  assert.deepEqual(capabilityMasks(sets, ~0n & 0xffffn).notAmbient, ['CAP_CHOWN'])
})

test('without the object a program gets no capability at all', () => {
  const { missing, notAmbient, ...masks } = capabilityMasks(undefined, ~0n & 0xffff_ffff_ffffn)
  assert.deepEqual(Object.values(masks), [0n, 0n, 0n, 0n, 0n])
  assert.deepEqual([missing, notAmbient], [[], []])
})

test('the later of two variables with one name wins, HOME is added, PATH is what is searched', () => {
  const { env, search } = environmentOf(['A=1', 'PATH=/x', 'A=2'], { home: '/root', listenFds: 0 })
  assert.deepEqual(env, ['PATH=/x', 'A=2', 'HOME=/root'])
  assert.equal(search, '/x')
})

test('a HOME without content counts for none', () => {
  const { env } = environmentOf(['HOME=/x', 'HOME='], { home: '/root', listenFds: 0 })
  assert.deepEqual(env, ['HOME=/root'])
})

const facts = { lastCap: 40, capEffective: 0x1ff_ffff_ffffn, inUserNamespace: false } as Host
const MKNOD = 1n << 27n

test('device nodes may be made where something guards them: a user namespace, or device rules', () => {
  const mknod = (host: Host, ownsUserNamespace: boolean, guardsDevices: boolean) =>
    (availableCapabilities(host, { ownsUserNamespace, guardsDevices }) & MKNOD) !== 0n
  assert.equal(mknod(facts, false, false), false)
  assert.equal(mknod(facts, true, false), true)
  assert.equal(mknod(facts, false, true), true)
  assert.equal(mknod({ ...facts, inUserNamespace: true }, false, false), true)
})

test('socket activation is told to pid 1', () => {
  const { env } = environmentOf([], { home: '/', listenFds: 2 })
  assert.ok(env.includes('LISTEN_FDS=2') && env.includes('LISTEN_PID=1'))
})

test('scheduling becomes the numbers of the kernel', () => {
  const process = {
    args: ['x'],
    cwd: '/',
    scheduler: { policy: 'SCHED_BATCH', nice: -5, flags: ['SCHED_FLAG_RESET_ON_FORK', 'SCHED_FLAG_RECLAIM'] },
    ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 4 },
  } as const
  const linux = {
    memoryPolicy: { mode: 'MPOL_BIND', nodes: '0,2-3', flags: ['MPOL_F_STATIC_NODES'] },
    personality: { domain: 'LINUX32' },
  } as const
  assert.deepEqual(
    planScheduling(process, linux, '/process').map(({ origin, ...rest }) => rest),
    [
      { op: 'memoryPolicy', mode: 0x8002, nodes: ['0', '2', '3'] },
      { op: 'scheduler', policy: 3, flags: 3, nice: -5n, priority: 0, runtime: 0n, deadline: 0n, period: 0n },
      { op: 'ioPriority', value: 0x4004 },
      { op: 'personality', persona: 8 },
    ],
  )
})

test('exec has the affinity that was asked for, or all CPUs', () => {
  const cpus = (execCPUAffinity?: object) => {
    const process = { args: ['x'], cwd: '/', ...(execCPUAffinity ? { execCPUAffinity } : {}) }
    return [planInitialAffinity(process, ''), planFinalAffinity(process, '')].map((ops) =>
      ops.map((op) => (op.op === 'affinity' ? op.cpus.join() : '')),
    )
  }
  assert.deepEqual(cpus(), [[], ['']])
  assert.deepEqual(cpus({ initial: '0-1' }), [['0,1'], []])
  assert.deepEqual(cpus({ initial: '0', final: '2' }), [['0'], ['2']])
})
