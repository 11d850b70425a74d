import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Op, OpName } from '../../../src/kernel/plan.ts'
import { opShapes, type Phase } from '../../../src/kernel/plan-def.ts'
import { compile } from '../../../src/launch/compile.ts'
import type { SceneMaps } from '../../../src/linux/scene.ts'
import { template } from '../../../src/spec/template.ts'
import type { Process, Spec } from '../../../src/spec/types.ts'
import { aHost, realRoot } from '../host/literal.ts'

const single: SceneMaps = {
  uid: [{ inner: 0, outer: 1000, size: 1 }],
  gid: [{ inner: 0, outer: 1000, size: 1 }],
  method: 'self',
  denySetgroups: true,
}
const ranges: SceneMaps = {
  uid: [
    { inner: 0, outer: 1000, size: 1 },
    { inner: 1, outer: 100_000, size: 65_536 },
  ],
  gid: [
    { inner: 0, outer: 1000, size: 1 },
    { inner: 1, outer: 100_000, size: 65_536 },
  ],
  method: 'helper',
  denySetgroups: false,
}

interface Case {
  readonly rootless?: boolean
  readonly maps?: SceneMaps
  readonly gate?: boolean
  readonly change?: (spec: Spec & { process: Process }) => Spec & { process: Process }
  readonly freshProc?: boolean
}

function planOf({ rootless = false, maps, gate = true, change = (spec) => spec, freshProc = true }: Case = {}) {
  const whole = template({ rootless, uid: 1000, gid: 1000 }) as Spec & { process: Process }
  const spec = change({ ...whole, process: { ...whole.process, terminal: false } })
  const host = rootless ? aHost({ freshProc }) : realRoot({ freshProc })
  return compile(spec, {
    scene: {
      host,
      bundle: '/b',
      rootfs: { path: '/b/rootfs', dev: 1n, ino: 2n },
      maps,
      mayMiss: new Set(),
      noPivot: false,
      deviceNodes: new Map(),
      cgroup: undefined,
      noNewKeyring: false,
    },
    keepFds: 0,
    environment: { home: '/', listenFds: 0 },
    gate,
    isAttended: !gate,
  })
}

const order: readonly Phase[] = ['outer', 'birth', 'inner', 'rootfs', 'pivot', 'process', 'last']
const indexOf = (ops: readonly Op[], name: OpName) => ops.findIndex(({ op }) => op === name)

const cases: readonly Case[] = [
  {},
  { rootless: true, maps: single },
  { rootless: true, maps: ranges },
  { rootless: true, maps: ranges, gate: false },
  { rootless: true, maps: single, freshProc: false },
]

test('ops are sorted by phase, as init demands', () => {
  for (const each of cases) {
    const places = planOf(each)
      .ops.map(({ op }) => opShapes[op].phase)
      .filter((phase) => phase !== 'any')
      .map((phase) => order.indexOf(phase))
    assert.deepEqual(
      places,
      places.toSorted((a, b) => a - b),
    )
  }
})

test('every op has an origin: a JSON pointer into config.json', () => {
  for (const each of cases) for (const { op, origin } of planOf(each).ops) assert.match(origin, /^\//, op)
})

test('masks and read-only paths come after every mount', () => {
  for (const each of cases) {
    const { ops } = planOf(each)
    const lastMount = ops.findLastIndex(({ op }) => op === 'mount' || op === 'bind' || op === 'deviceBind')
    const firstCover = ops.findIndex(({ op }) => op === 'mask' || op === 'readonly')
    assert.ok(firstCover > lastMount)
  }
})

test('nothing that needs a capability comes after it is dropped', () => {
  const needy: readonly OpName[] = ['rlimit', 'bounding', 'user', 'hostname', 'mount', 'pivot', 'sysctl']
  for (const each of cases) {
    const { ops } = planOf(each)
    const caps = indexOf(ops, 'caps')
    assert.ok(ops.slice(caps).every(({ op }) => !needy.includes(op)))
    assert.ok(indexOf(ops, 'bounding') < indexOf(ops, 'user'), 'the bounding set needs CAP_SETPCAP')
    assert.ok(caps < indexOf(ops, 'noNewPrivs'))
  }
})

const withTerminal =
  (consoleSize?: Process['consoleSize']) =>
  (spec: Spec & { process: Process }): Spec & { process: Process } => ({
    ...spec,
    process: { ...spec.process, terminal: true, user: { uid: 5, gid: 6 }, ...(consoleSize ? { consoleSize } : {}) },
  })

test('a terminal comes from the devpts that is mounted by then, and goes on /dev/console before anything is covered', () => {
  for (const each of cases) {
    assert.equal(indexOf(planOf(each).ops, 'terminal'), -1)
    const { ops } = planOf({ ...each, change: withTerminal() })
    const [terminal, onConsole] = [indexOf(ops, 'terminal'), indexOf(ops, 'console')]
    assert.ok(terminal > ops.findLastIndex((op) => op.op === 'mount' && op.fstype === 'devpts'))
    assert.equal(onConsole, terminal + 1)
    assert.ok(onConsole < indexOf(ops, 'mask'))
    assert.ok(indexOf(ops, 'session') < terminal, 'only a session leader can take a terminal')
  }
})

test('a terminal belongs to the user, has 16 bits of rows and columns, and keeps newlines only while we attend it', () => {
  const terminalOf = (each: Case) => planOf(each).ops.find(({ op }) => op === 'terminal')
  const origin = '/process/terminal'
  assert.deepEqual(terminalOf({ change: withTerminal({ height: 25, width: 70_000 }) }), {
    ...{ op: 'terminal', uid: 5, width: 65_535, height: 25, plainNewlines: 0, origin },
  })
  assert.deepEqual(terminalOf({ gate: false, change: withTerminal() }), {
    ...{ op: 'terminal', uid: 5, width: 0, height: 0, plainNewlines: 1, origin },
  })
})

test('without a mount namespace of its own nothing is put on /dev/console', () => {
  const shared = withTerminal()
  const { ops } = planOf({
    change: (spec) => ({
      ...shared(spec),
      linux: { ...spec.linux, namespaces: (spec.linux?.namespaces ?? []).filter(({ type }) => type !== 'mount') },
    }),
  })
  assert.ok(indexOf(ops, 'terminal') > 0)
  assert.equal(indexOf(ops, 'console'), -1)
})

test('a filter comes last but the program and its hooks, unless its listener must be handed on', () => {
  const hook = { path: '/bin/true' }
  const filtered = (action: 'SCMP_ACT_ERRNO' | 'SCMP_ACT_NOTIFY'): Case['change'] => {
    const seccomp = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['mkdir'], action }] } as const
    return (spec) => ({ ...spec, hooks: { startContainer: [hook] }, linux: { ...spec.linux, seccomp } })
  }
  for (const each of cases) {
    const late = planOf({ ...each, change: filtered('SCMP_ACT_ERRNO') as NonNullable<Case['change']> }).ops
    assert.deepEqual(
      late.slice(-3).map(({ op }) => op),
      ['seccomp', 'hook', 'exec'],
    )
    const { ops } = planOf({ ...each, change: filtered('SCMP_ACT_NOTIFY') as NonNullable<Case['change']> })
    const place = indexOf(ops, 'seccomp')
    assert.deepEqual(
      ops.slice(place - 1, place + 3).map(({ op }) => op),
      ['lookup', 'seccomp', 'wait', 'say'],
    )
  }
})

test('CAP_SYS_ADMIN stays permitted only for a filter without no_new_privs', () => {
  const SYS_ADMIN = 1n << 21n
  const keeps = (noNewPrivileges: boolean, seccomp?: { readonly defaultAction: 'SCMP_ACT_ALLOW' }) => {
    const change: Case['change'] = (spec) => ({
      ...spec,
      process: { ...spec.process, noNewPrivileges },
      linux: { ...spec.linux, ...(seccomp ? { seccomp } : {}) },
    })
    const op = planOf({ change }).ops.find(({ op }) => op === 'caps')
    if (op?.op !== 'caps') return assert.fail('no caps')
    assert.equal(BigInt(op.effective) & SYS_ADMIN, 0n)
    return (BigInt(op.permitted) & SYS_ADMIN) !== 0n
  }
  const filter = { defaultAction: 'SCMP_ACT_ALLOW' } as const
  assert.deepEqual([keeps(false, filter), keeps(true, filter), keeps(false), keeps(true)], [true, false, false, false])
})

test('the program is looked up before create ends, so that a missing one fails create', () => {
  const { ops } = planOf()
  assert.ok(indexOf(ops, 'lookup') < indexOf(ops, 'gate'))
  assert.equal(ops.at(-1)?.op, 'exec')
})

test('one id is mapped by init itself, ranges by the parent', () => {
  assert.ok(indexOf(planOf({ rootless: true, maps: single }).ops, 'mapSelf') > 0)
  const { ops } = planOf({ rootless: true, maps: ranges })
  assert.equal(indexOf(ops, 'mapSelf'), -1)
  assert.equal(ops[1]?.op, 'say')
  assert.equal(ops[2]?.op, 'wait')
})

test('with one id setgroups is never called, because the kernel denies it', () => {
  const user = (maps: SceneMaps) => planOf({ rootless: true, maps }).ops.find(({ op }) => op === 'user')
  assert.equal(user(single)?.op === 'user' && user(single)?.op, 'user')
  const flags = [single, ranges].map((maps) => {
    const op = user(maps)
    return op?.op === 'user' ? op.setGroups : undefined
  })
  assert.deepEqual(flags, [0, 1])
})

test('inside a user namespace device nodes are bound, as real root they are made', () => {
  assert.equal(indexOf(planOf().ops, 'deviceBind'), -1)
  assert.equal(indexOf(planOf({ rootless: true, maps: single }).ops, 'device'), -1)
})

test('a covered /proc is bound from outside and that is said', () => {
  const { ops, degradations } = planOf({ rootless: true, maps: single, freshProc: false })
  assert.ok(ops.every((op) => op.op !== 'mount' || op.fstype !== 'proc'))
  assert.ok(ops.some((op) => op.op === 'bind' && op.source === '/proc'))
  assert.match(degradations.map(({ message }) => message).join('\n'), /proc at \/proc is the outer \/proc/)
})

test('gid=5 of devpts is left out when it is not mapped, and that is said', () => {
  const change: Case['change'] = (spec) => ({
    ...spec,
    mounts: [{ destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['newinstance', 'gid=5'] }],
  })
  const one = planOf({ rootless: true, maps: single, change: change as NonNullable<Case['change']> })
  const mount = one.ops.find((op) => op.op === 'mount' && op.fstype === 'devpts')
  assert.equal(mount?.op === 'mount' && mount.data, 'newinstance')
  assert.match(one.degradations.map(({ message }) => message).join(), /without gid=5/)
  const many = planOf({ rootless: true, maps: ranges, change: change as NonNullable<Case['change']> })
  const kept = many.ops.find((op) => op.op === 'mount' && op.fstype === 'devpts')
  assert.equal(kept?.op === 'mount' && kept.data, 'newinstance,gid=5')
})

test('hooks of create wait for the parent, and createContainer runs before the step into the root', () => {
  const hook = { path: '/bin/hook' }
  const change: Case['change'] = (spec) => ({ ...spec, hooks: { createContainer: [hook], startContainer: [hook] } })
  const { ops } = planOf({ change: change as NonNullable<Case['change']> })
  const hooks = ops.flatMap((op, i) => (op.op === 'hook' ? [{ i, origin: op.origin }] : []))
  assert.deepEqual(
    hooks.map(({ origin }) => origin),
    ['/hooks/createContainer/0', '/hooks/startContainer/0'],
  )
  assert.ok((hooks[0]?.i ?? 0) < indexOf(ops, 'pivot'))
  assert.ok((hooks[1]?.i ?? 0) > indexOf(ops, 'gate'))
})

test('mounts keep the order of the configuration', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.stringMatching(/^[a-z]{1,8}$/), { minLength: 1, maxLength: 8 }), (names) => {
      const mounts = names.map((name) => ({ destination: `/${name}`, type: 'tmpfs', source: 'tmpfs' }))
      const { ops } = planOf({ change: (spec) => ({ ...spec, mounts }) })
      const targets = ops.flatMap((op) => (op.op === 'tmpfs' ? [op.target] : []))
      assert.deepEqual(
        targets,
        names.map((name) => `/${name}`),
      )
    }),
  )
})

test('of the namespaces with a path the user namespace is joined last, and first by who has no power outside', () => {
  const change: Case['change'] = (spec) => ({
    ...spec,
    linux: {
      ...spec.linux,
      namespaces: (['mount', 'network', 'user'] as const).map((type) => ({ type, path: `/ns/${type}` })),
    },
  })
  for (const [rootless, order] of [
    [false, ['network', 'mount', 'user']],
    [true, ['user', 'network', 'mount']],
  ] as const) {
    const { ops, joins } = planOf({ rootless, change: change as NonNullable<Case['change']> })
    assert.deepEqual(
      joins.map(({ type }) => type),
      order,
    )
    assert.deepEqual(
      ops.slice(0, 4).map(({ op }) => op),
      ['join', 'join', 'join', 'become'],
    )
  }
})
