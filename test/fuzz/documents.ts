/** Targets that are JSON: config.json, process and resources, state.json, profiles of system calls. */
import assert from 'node:assert/strict'
import { compile } from '../../src/launch/compile.ts'
import { encode } from '../../src/launch/encode.ts'
import { checkLimits } from '../../src/linux/cgroups/limits/limits.ts'
import { checkRdt } from '../../src/linux/rdt/check.ts'
import { compileFilter } from '../../src/linux/seccomp/compile.ts'
import { parseConfig, parseProcess, parseResources } from '../../src/spec/parse.ts'
import { valueAt } from '../../src/spec/pointer.ts'
import { unsupported } from '../../src/spec/support.ts'
import { template } from '../../src/spec/template.ts'
import type { Process, Spec } from '../../src/spec/types.ts'
import { validate, validateProcess } from '../../src/spec/validate.ts'
import { completeRecord, isCgroupRecord, isRdtRecord, whyNotRecord } from '../../src/state/record.ts'
import { aHost, realRoot } from '../unit/host/literal.ts'
import { kindOf, type Target } from './target.ts'

type Whole = Spec & { process: Process }
type Found = readonly { readonly pointer: string; readonly message: string; readonly severity: string }[]

const text = (value: unknown): string => JSON.stringify(value)
const plain = JSON.parse(text(template({ rootless: false, uid: 0, gid: 0 })))
const rootless = JSON.parse(text(template({ rootless: true, uid: 1000, gid: 1000 })))

/** Everything at once that the template does not have. */
const rich = {
  ...plain,
  annotations: { 'org.example.note': 'kept', 'run.oci.keep_original_groups': '1' },
  hooks: {
    createRuntime: [{ path: '/bin/true', args: ['true'], env: ['A=b'], timeout: 3 }],
    poststop: [{ path: '/x' }],
  },
  process: {
    ...plain.process,
    rlimits: [{ type: 'RLIMIT_CORE', soft: 0, hard: 1 }],
    scheduler: { policy: 'SCHED_BATCH', nice: 3 },
    ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 4 },
    execCPUAffinity: { initial: '0-1', final: '1' },
    oomScoreAdj: 100,
    user: { uid: 1, gid: 2, umask: 18, additionalGids: [3] },
  },
  mounts: [
    ...plain.mounts,
    { destination: '/data', type: 'bind', source: '/srv', options: ['rbind', 'rro', 'rslave', 'idmap'] },
    { destination: '/t', type: 'tmpfs', source: 't', options: ['tmpcopyup', 'size=1m', 'uid=5'] },
  ],
  linux: {
    ...plain.linux,
    namespaces: [
      ...plain.linux.namespaces,
      { type: 'user' },
      { type: 'time' },
      { type: 'pid', path: '/proc/1/ns/pid' },
    ],
    uidMappings: [{ containerID: 0, hostID: 100_000, size: 65_536 }],
    gidMappings: [{ containerID: 0, hostID: 100_000, size: 65_536 }],
    timeOffsets: { monotonic: { secs: 5, nanosecs: 6 } },
    devices: [{ path: '/dev/x', type: 'c', major: 1, minor: 3, fileMode: 438, uid: 0, gid: 0 }],
    sysctl: { 'net.ipv4.ip_forward': '1' },
    rootfsPropagation: 'rslave',
    personality: { domain: 'LINUX32' },
    memoryPolicy: { mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_STATIC_NODES'] },
    netDevices: { eth0: { name: 'lan' } },
    intelRdt: { closID: 'c', l3CacheSchema: 'L3:0=f', memBwSchema: 'MB:0=20' },
    resources: {
      memory: { limit: 1 << 26, swap: 1 << 27 },
      cpu: { shares: 10, quota: 1000, period: 5000, cpus: '0' },
      pids: { limit: 5 },
      devices: [{ allow: true, type: 'c', major: 1, minor: 3, access: 'rwm' }],
      hugepageLimits: [{ pageSize: '2MB', limit: 4096 }],
      unified: { 'memory.high': '1000' },
      rdma: { a: { hcaHandles: 1 } },
    },
    seccomp: {
      defaultAction: 'SCMP_ACT_ERRNO',
      architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
      syscalls: [
        { names: ['read', 'write', 'nothing'], action: 'SCMP_ACT_ALLOW' },
        {
          names: ['clone'],
          action: 'SCMP_ACT_ERRNO',
          errnoRet: 38,
          args: [{ index: 0, value: 131_072, op: 'SCMP_CMP_MASKED_EQ', valueTwo: 131_072 }],
        },
      ],
    },
  },
}

const single = {
  uid: [{ inner: 0, outer: 1000, size: 1 }],
  gid: [{ inner: 0, outer: 1000, size: 1 }],
  method: 'self',
  denySetgroups: true,
} as const

/** A configuration without an error becomes a plan, and the plan bytes, with whatever it asks for. */
function planOf(spec: Whole): void {
  const isMapped = spec.linux?.namespaces?.some(({ type, path }) => type === 'user' && path === undefined) ?? false
  const plan = compile(spec, {
    scene: {
      host: isMapped ? aHost() : realRoot(),
      bundle: '/b',
      rootfs: { path: '/b/rootfs', dev: 1n, ino: 2n },
      maps: isMapped ? single : undefined,
      mayMiss: new Set(),
      noPivot: false,
      deviceNodes: new Map(),
      cgroup: undefined,
      noNewKeyring: false,
    },
    keepFds: 0,
    environment: { home: '/', listenFds: 0 },
    gate: true,
    isAttended: false,
  })
  assert.ok(plan.ops.length > 0)
  assert.ok(encode(plan.ops).length > 16)
}

/** Every finding names a place of the document, or one that is missing from a place that is there. */
function assertPlaces(found: Found, document: unknown): void {
  for (const { pointer } of found) {
    const parent = pointer.slice(0, pointer.lastIndexOf('/'))
    assert.ok(pointer === '' || pointer.startsWith('/'), pointer)
    assert.ok(parent === '' || valueAt(document, parent) !== undefined || parent.split('/').length <= 3, pointer)
  }
}

const kinds = (found: Found): string => [...new Set(found.map(({ message }) => kindOf(message)))].sort().join(';')
const hasErrors = (found: Found): boolean => found.some(({ severity }) => severity === 'error')

function runConfig(input: Buffer): string {
  const parsed = parseConfig(input.toString())
  if ('issue' in parsed) return kindOf(parsed.issue.message)
  const found = validate(parsed.spec)
  assertPlaces(found, parsed.spec)
  if (hasErrors(found)) return kinds(found)
  const here = [
    ...unsupported(parsed.spec),
    ...checkLimits(parsed.spec.linux?.resources),
    ...checkRdt(parsed.spec, realRoot()),
  ]
  if (hasErrors(here) || parsed.spec.process === undefined) return kinds(here)
  planOf(parsed.spec as Whole)
  return `planned: ${kinds(found)}`
}

const record = {
  version: 1,
  id: 'box',
  pid: 7,
  startTime: '1',
  bootId: 'b',
  created: '2026-01-01T00:00:00Z',
  bundle: '/b',
  rootfs: '/b/rootfs',
  ready: true,
  spec: plain,
  cgroup: {
    manager: 'cgroupfs',
    homes: [{ version: 2, path: '/sys/fs/cgroup/box', controllers: ['memory'] }],
    made: ['/sys/fs/cgroup/box'],
  },
  tail: { first: 3, ops: [] },
}

export const documents: readonly Target[] = [
  {
    name: 'config',
    isJson: true,
    seeds: [text(plain), text(rootless), text(rich), '{}'],
    words: [
      'tmpfs',
      'bind',
      'proc',
      'rbind',
      'ridmap',
      'nodev',
      'CAP_SYS_ADMIN',
      'user',
      'cgroup',
      'RLIMIT_NOFILE',
      '/dev/null',
      'SCMP_ACT_NOTIFY',
      'vm',
      'freebsd',
    ],
    run: runConfig,
  },
  {
    name: 'process',
    isJson: true,
    seeds: [text(plain.process), text(rich.process)],
    words: ['args', 'terminal', 'SCHED_FIFO', 'CAP_CHOWN'],
    run: (input) => {
      const parsed = parseProcess(input.toString())
      return 'issue' in parsed ? kindOf(parsed.issue.message) : kinds(validateProcess(parsed.process))
    },
  },
  {
    name: 'resources',
    isJson: true,
    seeds: [text(rich.linux.resources), '{}'],
    words: ['max', 'memory', 'blockIO', 'weightDevice', 'cpu.max'],
    run: (input) => {
      const parsed = parseResources(input.toString())
      if ('issue' in parsed) return kindOf(parsed.issue.message)
      const found = validate({ ...plain, linux: { resources: parsed.resources } })
      return hasErrors(found) ? kinds(found) : kinds(checkLimits(parsed.resources))
    },
  },
  {
    name: 'state',
    isJson: true,
    seeds: [text(record), text({ ...record, cgroup: { manager: 'none', reason: 'x' } })],
    words: ['version', 'cgroup', 'made', 'systemd'],
    run: (input) => {
      const value: unknown = JSON.parse(jsonOr(input, 'null'))
      const why = whyNotRecord(value, 'box')
      if (why !== undefined) return why
      const { cgroup, rdt, pid, tail } = completeRecord(value as object)
      assert.ok(Number.isSafeInteger(pid) && pid >= 0 && Array.isArray(tail.ops))
      assert.ok(isCgroupRecord(cgroup) || cgroup.manager === 'none')
      assert.ok(rdt === undefined || isRdtRecord(rdt))
      return `ours: ${cgroup.manager}`
    },
  },
  {
    name: 'seccomp',
    isJson: true,
    seeds: [text(rich.linux.seccomp)],
    words: ['SCMP_ACT_LOG', 'SCMP_CMP_GT', 'SCMP_ARCH_AARCH64', 'openat', 'clone3', 'errnoRet'],
    run: (input) => {
      const seccomp = JSON.parse(jsonOr(input, '{}'))
      const document = { ...plain, linux: { ...plain.linux, seccomp } }
      const found = validate(document)
      if (hasErrors(found)) return kinds(found)
      const { program, unknown } = compileFilter(seccomp ?? {}, 'x64')
      assert.ok(program.length > 0)
      for (const [at, { jt, jf }] of program.entries()) assert.ok(at + 1 + Math.max(jt, jf) <= program.length)
      return `compiled, ${unknown.length > 0 ? 'with unknown names' : 'all known'}`
    },
  },
]

function jsonOr(input: Buffer, otherwise: string): string {
  try {
    const text = input.toString()
    JSON.parse(text)
    return text
  } catch {
    return otherwise
  }
}
