// Needs nothing: where the cgroup of a container is to be, and which requests are refused.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Host } from '../../../../src/host/facts.ts'
import { type CgroupQuestion, chooseCgroup } from '../../../../src/linux/cgroups/choose.ts'
import { checkCgroupsPath, isAmongUnits, placesOf } from '../../../../src/linux/cgroups/place.ts'
import type { Surveyed } from '../../../../src/linux/cgroups/survey.ts'
import type { Linux } from '../../../../src/spec/types.ts'
import { aHost, realRoot } from '../../host/literal.ts'

const hybrid: Host['cgroup'] = {
  layout: 'hybrid',
  unified: '/cg/unified',
  ownPath: '/own/leaf',
  writable: true,
  hierarchies: [
    { version: 1, controllers: ['memory'], target: '/cg/memory', ownPath: '/own' },
    { version: 1, controllers: ['devices'], target: '/cg/devices', ownPath: undefined },
    { version: 2, controllers: [], target: '/cg/unified', ownPath: '/own/leaf' },
  ],
}
const paths = (asked: string | undefined) => placesOf(asked || 'box', hybrid).map(({ mount, path }) => mount + path)

describe('placesOf', () => {
  it('takes the id below our own cgroup, and on v2 beside it', () => {
    assert.deepEqual(paths(undefined), ['/cg/memory/own/box', '/cg/unified/own/box'])
    assert.deepEqual(paths(''), paths(undefined))
  })

  it('counts an absolute path from the mount, also where we have no place of our own', () => {
    assert.deepEqual(paths('/a//b/'), ['/cg/memory/a/b', '/cg/devices/a/b', '/cg/unified/a/b'])
  })

  it('begins below our own cgroup where only that is ours', () => {
    const found = placesOf('box', hybrid, 'below').map(({ mount, path }) => mount + path)
    assert.deepEqual(found, ['/cg/memory/own/box', '/cg/unified/own/leaf/box'])
  })

  it('counts a relative path from our own cgroup', () => {
    assert.deepEqual(paths('a/b'), ['/cg/memory/own/a/b', '/cg/unified/own/a/b'])
  })
})

describe('isAmongUnits', () => {
  it('is so directly in a slice of a systemd of a user, and nowhere below a unit', () => {
    const user = '/user.slice/user-1000.slice/user@1000.service'
    for (const path of [`${user}/app.slice/box`, `${user}/app.slice/app-x.slice/box`])
      assert.equal(isAmongUnits({ version: 2, path }), true, path)
    for (const path of [`${user}/app.slice/run.scope/box`, `${user}/box`, '/user.slice/user-1000.slice/box', '/box'])
      assert.equal(isAmongUnits({ version: 2, path }), false, path)
    assert.equal(isAmongUnits({ version: 1, path: `${user}/app.slice/box` }), false)
  })
})

describe('checkCgroupsPath', () => {
  it('refuses what climbs and what names the root', () => {
    for (const path of ['..', '/a/../b', '../x', '/', '//', './', 'a\nb'])
      assert.equal(checkCgroupsPath(path).length, 1, JSON.stringify(path))
    for (const path of [undefined, '', 'a', '/a/b', 'a..b', 'slice:prefix:name'])
      assert.deepEqual(checkCgroupsPath(path), [])
  })
})

const memory: Surveyed = {
  place: { version: 1, controllers: ['memory'], mount: '/cg/memory', path: '/box' },
  controllers: ['memory'],
  missing: 1,
}
const closed: Surveyed = { ...memory, refusal: { path: '/cg/memory/box', errno: 'EACCES' } }

const v1: Host['cgroup'] = { ...hybrid, layout: 'v1' }
interface Case {
  readonly linux?: Linux
  readonly host?: Host
  readonly survey?: readonly Surveyed[]
  readonly manager?: CgroupQuestion['manager']
}
const choose = ({ linux = {}, host = realRoot({ cgroup: v1 }), survey = [memory], manager = 'cgroupfs' }: Case) =>
  chooseCgroup({ spec: { ociVersion: '1.2.0', linux }, host, manager, survey })

const user = aHost({ cgroup: v1 })
const limited: Linux = { resources: { pids: { limit: 5 } } }

describe('chooseCgroup', () => {
  it('without a request and without a place there is none, for everybody', () => {
    for (const host of [user, realRoot({ cgroup: v1 })])
      assert.equal(choose({ host, survey: [closed] }).plan, undefined)
  })

  it('a limit whose controller cannot be had is refused in the words that callers know', () => {
    const words = /cannot set pids limit: container could not join or create cgroup/
    assert.throws(() => choose({ linux: limited, host: user, survey: [closed] }), words)
    assert.throws(() => choose({ linux: limited, host: user }), words)
    assert.throws(() => choose({ linux: limited }), words)
  })

  it('a path that cannot be had is refused', () => {
    const linux = { cgroupsPath: '/box' }
    const words = /unable to apply cgroup configuration: mkdir \/cg\/memory\/box: permission denied/
    assert.throws(() => choose({ linux, host: user, survey: [closed] }), words)
  })

  it('on v2 the words of a user without permission are those of runc', () => {
    const host = aHost()
    const place = { version: 2, controllers: [], mount: '/cg', path: '/box' } as const
    const survey = [{ place, controllers: [], missing: 1, refusal: { path: '/cg/box', errno: 'EACCES' } }]
    assert.throws(
      () => choose({ linux: limited, host, survey }),
      /rootless needs no limits \+ no cgrouppath when no permission is granted for cgroups/,
    )
  })

  it('switched off by name, what was asked for is recorded', () => {
    const { plan, degradations } = choose({ linux: { ...limited, cgroupsPath: '/x' }, manager: 'disabled', survey: [] })
    assert.equal(plan, undefined)
    assert.deepEqual(
      degradations.map(({ pointer }) => pointer),
      ['/linux/cgroupsPath', '/linux/resources/pids/limit'],
    )
  })

  it('processes of our own cgroup may be made to step aside, but not those of a service that a path leads through', () => {
    const place = { version: 2, controllers: [], mount: '/sys/fs/cgroup', path: '/x' } as const
    const survey = [{ place, controllers: [], missing: 1 }]
    const ownOf = (ownPath: string, cgroupsPath?: string) => {
      const cgroup = { ...aHost().cgroup, ownPath }
      return choose({ linux: cgroupsPath ? { cgroupsPath } : {}, host: aHost({ cgroup }), survey }).plan?.own
    }
    assert.equal(ownOf('/mine'), '/sys/fs/cgroup/mine')
    assert.equal(ownOf('/mine', 'below'), '/sys/fs/cgroup/mine')
    assert.equal(ownOf('/mine', '/mine/x'), undefined)
    assert.equal(ownOf('/', '/x'), '/sys/fs/cgroup')
    assert.equal(choose({ host: user }).plan?.own, undefined)
  })

  it('device rules are an error for real root without a guard, and a note for others', () => {
    const linux = { resources: { devices: [{ allow: false, access: 'rwm' }] } }
    assert.throws(() => choose({ linux, host: realRoot({ cgroup: v1, capEffective: 0n }) }), /devices controller/)
    assert.equal(choose({ linux, host: user, survey: [] }).degradations.length, 1)
  })

  it('real root has its devices guarded even without any rule', () => {
    const devices: Surveyed = {
      place: { version: 1, controllers: ['devices'], mount: '/cg/devices', path: '/box' },
      controllers: ['devices'],
      missing: 1,
    }
    assert.equal(choose({ survey: [devices] }).plan?.guard?.default, 'deny')
    assert.equal(choose({ survey: [memory] }).plan?.guard, undefined)
  })

  it('after a crash only what was not there before is taken away', () => {
    const homes = (missing: number) => {
      const { plan } = choose({ survey: [{ ...memory, missing }] })
      return plan?.intended.manager === 'cgroupfs' ? plan.intended.homes.map(({ path, made }) => [path, made]) : []
    }
    assert.deepEqual(homes(0), [])
    assert.deepEqual(homes(1), [['/cg/memory/box', 1]])
  })

  it('lifting a limit needs no controller', () => {
    const { plan } = choose({ linux: { resources: { pids: { limit: -1 }, cpu: { quota: -1 } } } })
    assert.deepEqual(plan?.writes, [])
  })
})
