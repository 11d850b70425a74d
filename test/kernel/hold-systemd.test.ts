/**
 * Needs root and a cgroup2 tree: the limits of a sandbox in a scope of a stand-in for systemd that works or refuses.
 */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { HeldLimit } from '../../src/container/hold/amounts.ts'
import { holdBySystemd } from '../../src/container/hold/systemd.ts'
import { Watchdogs } from '../../src/container/hold/watchdog.ts'
import { FD_NULL, isolate } from '../../src/container/isolate.ts'
import type { Host } from '../../src/host/facts.ts'
import { readHost } from '../../src/host/host.ts'
import type { Variant } from '../../src/linux/systemd/encode.ts'
import { compileSandbox } from '../../src/sandbox/compile.ts'
import { checkOptions } from '../../src/sandbox/options.ts'
import { choosePolicy } from '../../src/sandbox/policy.ts'
import { hierarchies } from '../fixtures/cgroup-tree.ts'
import { ownCgroups, removeCgroup, whyNoCgroup } from '../fixtures/cgroups.ts'
import { type Fake, fakeSystemd, property, type Reply } from '../fixtures/fake-systemd.ts'
import { needs } from '../fixtures/needs.ts'

const unified = ownCgroups().find(({ version }) => version === 2)
const skip = needs('root') ?? whyNoCgroup() ?? (unified === undefined ? 'needs a cgroup2 tree' : false)
const job = '/org/freedesktop/systemd1/job/1'
const top = `usnea-hold-${process.pid}`

interface Ended {
  readonly fake: Fake
  readonly limits: readonly HeldLimit[]
  readonly outcome: object
}

/** Runs a command whose limits this systemd is to hold. */
async function runHeld(script: string, answer: (member: string) => Reply | undefined): Promise<Ended> {
  const directory = mkdtempSync(join(tmpdir(), 'usnea-hold-'))
  const socket = join(directory, 's')
  await using fake = await fakeSystemd(socket, {
    reply: ({ member = '', body }, peer) => {
      const other = answer(member)
      if (other !== undefined) return other
      const place = join(unified?.path ?? '', top, 'system.slice', String(body[0]))
      if (member === 'Get') {
        if (body[1] === 'Version') return property('s', '252')
        return body[1] === 'ControlGroup' ? property('s', `/${top}`) : property('ay', new Uint8Array([1]))
      }
      if (member === 'StopUnit') removeCgroup(place)
      if (member === 'StartTransientUnit') {
        mkdirSync(place, { recursive: true })
        const pids = (body[2] as [string, Variant][]).find(([name]) => name === 'PIDs')?.[1].value as number[]
        for (const pid of pids) writeFileSync(join(place, 'cgroup.procs'), String(pid))
      }
      if (member !== 'StartTransientUnit' && member !== 'StopUnit') return {}
      peer.signal({
        path: '/org/freedesktop/systemd1',
        interface: 'org.freedesktop.systemd1.Manager',
        member: 'JobRemoved',
        signature: 'uoss',
        body: [1, job, 'x', 'done'],
      })
      return { signature: 'o', body: [job] }
    },
  })
  const real = readHost()
  const host: Host = { ...real, env: { ...real.env, DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${socket}` } }
  const amounts = { pids: 3 }
  const policy = choosePolicy(checkOptions({ cwd: '/' }, '/'), host)
  const command = { argv: ['sh', '-c', script], env: {}, cwd: '/', umask: 0o22, newSession: true }
  using watchdogs = new Watchdogs()
  const hold = holdBySystemd({
    way: { amounts, by: 'systemd', survey: [], why: '', refusesForks: false, loose: [] },
    host,
    name: `box-${process.pid}`,
    mayBeLoose: false,
    needsCgroup: false,
    watching: { group: () => watchdogs.get(), isWhole: true },
  })
  try {
    const { outcome } = isolate(compileSandbox(policy, command), [FD_NULL, FD_NULL, FD_NULL], host, { hold })
    const { limits = [], ...rest } = await outcome
    return { fake, limits, outcome: rest }
  } finally {
    for (const tree of hierarchies()) removeCgroup(join(tree, top))
    rmSync(directory, { recursive: true })
  }
}

test('a scope holds the limits, from before the command on, and goes with it', { skip }, async () => {
  const { fake, limits, outcome } = await runHeld('sleep 30 & sleep 30 & exit 7', () => undefined)
  assert.deepEqual(outcome, { ended: { exitCode: 7, signal: undefined } })
  assert.deepEqual(limits, [{ limit: 'pids', value: 3, enforcedBy: 'systemd', hits: 0 }])
  const members = fake.calls.map(({ member }) => member)
  assert.ok(members.indexOf('StartTransientUnit') < members.indexOf('StopUnit'), members.join(' '))
  const properties = fake.calls.find(({ member }) => member === 'StartTransientUnit')?.body[2] as [string, Variant][]
  assert.equal(properties.find(([name]) => name === 'TasksMax')?.[1].value, 4n)

  const crowded = await runHeld('sleep 30 & sleep 30 & sleep 30 & exit 7', () => undefined)
  assert.deepEqual(crowded.outcome, { ended: { exitCode: 2, signal: undefined } })
  assert.ok((crowded.limits[0]?.hits ?? 0) > 0)
})

test('where systemd refuses, a watchdog holds what it can', { skip }, async () => {
  const refuses = (member: string): Reply | undefined =>
    member === 'StartTransientUnit' ? { error: 'org.freedesktop.DBus.Error.AccessDenied' } : undefined
  const { limits, outcome } = await runHeld('exit 7', refuses)
  assert.deepEqual(outcome, { ended: { exitCode: 7, signal: undefined } })
  assert.deepEqual(
    limits.map(({ limit, enforcedBy }) => [limit, enforcedBy]),
    [['pids', 'watchdog']],
  )
  const crowded = await runHeld('for i in 1 2 3 4 5 6; do sleep 30 & done; wait', refuses)
  assert.deepEqual(crowded.outcome, { ended: { exitCode: undefined, signal: 9 } })
  assert.equal(crowded.limits[0]?.hits, 1)
})
