/** Who says what of a policy, and what a project may say. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { type OptionName, policyRules, policyShape } from '../../../src/config/sandbox.ts'
import { checkShape } from '../../../src/config/shape.ts'
import { mergePolicies, type PolicyLayer } from '../../../src/sandbox/merge.ts'
import { checkOptions, type SandboxOptions } from '../../../src/sandbox/options.ts'
import { harmlessProfiles, profiles } from '../../../src/sandbox/profiles.ts'
import { fingerprint, widenings } from '../../../src/sandbox/project.ts'
import { aHost } from '../host/literal.ts'

/** The schema and the type name the same options: neither can grow without the other. */
type Missing =
  | Exclude<keyof SandboxOptions, OptionName | 'onNetwork' | 'netfilter' | 'layer' | 'denials' | 'kept'>
  | Exclude<OptionName, keyof SandboxOptions>
const nothingIsMissing: [Missing] extends [never] ? true : Missing = true

const host = aHost({ home: '/home/anna', cwd: '/work', env: { DISPLAY: ':0', XDG_RUNTIME_DIR: '/run/user/1000' } })
const layer = (options: SandboxOptions, name = 'x'): PolicyLayer => ({ options, place: (rule) => `${name} ${rule}` })

test('the schema has every option once, and each has a help', () => {
  assert.equal(nothingIsMissing, true)
  assert.equal(new Set(policyRules.map(({ name }) => name)).size, policyRules.length)
  for (const { help } of policyRules) assert.ok(help.length > 5)
})

test('lists add up, single values are those of the strongest, and each knows who said it', () => {
  const { options, said } = mergePolicies(
    [
      layer({ rw: ['/a'], net: 'none', env: { A: '1' } }, 'flag'),
      layer({ rw: ['/b'], net: 'host', timeout: 5, env: { A: '2', B: '2' } }, 'file'),
    ],
    host,
  )
  assert.deepEqual(options, { rw: ['/a', '/b'], net: 'none', timeout: 5, env: { A: '1', B: '2' } })
  assert.deepEqual(
    said.filter(({ rule }) => rule === 'net' || rule === 'rw').map(({ value, place }) => `${value} ${place}`),
    ['/a flag rw', '/b file rw', 'none flag net'],
  )
})

test('no ports is a list of none, and not all of them', () => {
  const { options } = mergePolicies([layer({ net: 'host', connect: [] })], host)
  assert.deepEqual(checkOptions(options, '/').ports, [])
})

test('hosts that are allowed by name take the place of the network of a profile', () => {
  const { options } = mergePolicies([layer({ allowHosts: ['example.org'], profile: 'desktop' })], host)
  assert.equal(options.net, undefined)
  assert.equal(mergePolicies([layer({ allowHosts: [], profile: 'desktop' })], host).options.net, 'host')
})

test('a profile comes below all who speak, and what has no value here is left out', () => {
  const { options } = mergePolicies([layer({ net: 'none' }), layer({ profile: 'desktop' })], host)
  assert.equal(options.net, 'none')
  assert.equal(options.nested, true)
  assert.ok(options.socket?.includes('?/run/user/1000/pulse/native'))
  assert.ok(!options.socket?.some((path) => path.includes('$')))
  assert.deepEqual(options.env, { DISPLAY: ':0', XDG_RUNTIME_DIR: '/run/user/1000' })
  assert.ok(options.ro?.includes('?/home/anna/.fonts'))
  assert.throws(() => mergePolicies([layer({ profile: 'none' as 'build' })], host), { code: 'sandbox-option' })
})

test('every profile is a valid policy, and those for projects open nothing but the project', () => {
  for (const name of Object.keys(profiles))
    checkOptions(mergePolicies([layer({ profile: name as 'build' })], host).options, '/work')
  for (const name of harmlessProfiles) {
    const { rw = [], ro = [], net, socket, device, accept } = profiles[name as 'build'].options as SandboxOptions
    assert.deepEqual(
      [rw.filter((path) => path !== '.'), ro, net, socket, device, accept],
      [[], [], undefined, undefined, undefined, undefined],
    )
  }
})

const directory = tmpdir()
const refusedOf = (values: Record<string, unknown>, below: SandboxOptions = {}) =>
  widenings({ directory, values, below }).map(({ rule }) => rule)

const narrow: Record<string, unknown>[] = [
  { hide: ['/etc/shadow'], deny: ['/srv'], require: ['netns'] },
  { net: 'none', nested: false, timeout: '10s', files: '64', disk: '1M', 'min-level': 'U1', profile: 'build' },
  { groups: ['video'] },
  { grace: '5s', memory: '64M', pids: '10', cpus: '0.5' },
  { rw: ['.'], ro: ['.'], cwd: '.', env: ['A=b'] },
]
for (const values of narrow)
  test(`a project may say ${JSON.stringify(values)}`, () => assert.deepEqual(refusedOf(values), []))

const wide: [rule: string, values: Record<string, unknown>, below?: SandboxOptions][] = [
  ['rw', { rw: ['/'] }],
  ['rw', { rw: ['..'] }],
  ['rw', { rw: ['~'] }],
  ['rw', { rw: ['?~/x'] }],
  ['rw', { rw: ['./no-such-thing'] }],
  ['ro', { ro: ['$HOME/.ssh'] }],
  ['ro', { ro: ['.:/etc'] }],
  ['cwd', { cwd: '/' }],
  ['net', { net: 'host' }],
  ['nested', { nested: true }],
  ['env', { env: ['SECRET'] }],
  ['accept', { accept: ['protect'] }],
  ['connect', { connect: [443] }],
  ['allow-host', { 'allow-host': ['example.org'] }],
  ['publish', { publish: ['8080:80'] }],
  ['proxy', { proxy: true }],
  ['socket', { socket: ['./s'] }],
  ['device', { device: ['/dev/kvm'] }],
  ['profile', { profile: 'desktop' }],
  ['profile', { profile: 'build' }, { profile: 'strict' }],
  ['min-level', { 'min-level': 'L' }],
  ['min-level', { 'min-level': 'U0' }, { minLevel: 'U1' }],
  ['timeout', { timeout: '1h' }, { timeout: 1000 }],
  ['files', { files: '65' }, { files: 64 }],
  ['disk', { disk: '2M' }, { disk: '1M' }],
  ['grace', { grace: '2s' }, { timeout: 60_000, grace: 1000 }],
  ['memory', { memory: '2M' }, { memory: 1024 ** 2 }],
  ['groups', { groups: 'video,44' }, { groups: ['video'] }],
  ['groups', { groups: 'all' }, { groups: 'none' }],
  ['pids', { pids: '11' }, { pids: 10 }],
  ['cpus', { cpus: '1.5' }, { cpus: 1 }],
]
for (const [rule, values, below] of wide)
  test(`a project may not say ${JSON.stringify(values)}${below ? ` below ${JSON.stringify(below)}` : ''}`, () =>
    assert.deepEqual(refusedOf(values, below), [rule]))

test('every rule has been asked what a project may say of it', () => {
  const asked = new Set([...narrow.flatMap((values) => Object.keys(values)), ...wide.map(([rule]) => rule), 'listen'])
  assert.deepEqual(
    policyRules.map(({ name }) => name).filter((name) => !asked.has(name)),
    [],
  )
})

test('a fingerprint is of what is said, and of all of it', () => {
  assert.equal(fingerprint({ rw: ['/'] }), fingerprint({ rw: ['/'] }))
  assert.notEqual(fingerprint({ rw: ['/'] }), fingerprint({ rw: ['/', '/a'] }))
})

test('the shape of a file knows what is none', () => {
  assert.deepEqual(checkShape({ rw: ['/a'], connect: [443], nested: true, timeout: '5s' }, policyShape), [])
  assert.match(checkShape({ wr: [] }, policyShape)[0]?.message ?? '', /did you mean rw/)
  assert.equal(checkShape({ connect: [0] }, policyShape).length, 1)
  assert.equal(checkShape({ trust: {} }, policyShape).length, 1)
})

test('docs/policy.md has the table of the schema', () => {
  const text = readFileSync(new URL('../../../docs/policy.md', import.meta.url), 'utf8')
  for (const { name, help, project, ...rest } of policyRules) {
    const variable = 'env' in rest ? `\`${rest.env}\`` : ''
    const may = typeof project === 'string' ? project : `only ${project.only}`
    const row = `| \`${name}\` | ${help} | ${may} | ${variable} |`
    assert.ok(text.includes(row), `missing: ${row}`)
  }
  for (const [name, { summary }] of Object.entries(profiles))
    assert.ok(text.includes(`| \`${name}\` | ${summary} |`), name)
})

test('a name that is not known is told with the one that was meant', () => {
  assert.throws(() => mergePolicies([layer({ profile: 'agnet' as never })], host), /did you mean agent\?/)
  assert.throws(() => checkOptions({ require: ['netsn' as never] }, '/'), /did you mean netns\?/)
  assert.throws(
    () => checkOptions({ accept: ['zzzzzzzz' as never] }, '/'),
    (error: Error) => !/did you mean/.test(error.message),
  )
})
