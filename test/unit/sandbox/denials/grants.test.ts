/** Which grants are dangerous, how many become few, and how they are written into a policy. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readToml } from '../../../../src/config/toml.ts'
import { condensePaths, sortGrants } from '../../../../src/sandbox/denials/condense.ts'
import type { Grant, GrantRule } from '../../../../src/sandbox/denials/grant.ts'
import { flagOf, withGrants } from '../../../../src/sandbox/denials/policy-text.ts'
import { suggest } from '../../../../src/sandbox/denials/suggest.ts'

const home = '/home/anna'
const places = { directory: '/work', home }
const grant = (rule: GrantRule, value: string): Grant => ({ rule, value })

const judged = (one: Grant) => sortGrants([one], home).dangerous[0]?.why

test('secrets, what others run, masters of the machine and closed addresses are dangerous', () => {
  const dangerous: readonly [GrantRule, string][] = [
    ['ro', '/home/anna/.ssh/id'],
    ['ro', '/home/anna'],
    ['ro', '/'],
    ['ro', '/work/.env'],
    ['ro', '/etc/shadow'],
    ['rw', '/etc/x'],
    ['rw', '/usr/local/bin'],
    ['rw', '/home/anna/.bashrc'],
    ['rw', '/work/.git/hooks'],
    ['rw', '/work/.github/workflows/ci.yml'],
    ['rw', '/work/.git'],
    ['rw', '/work/.GitHub'],
    ['rw', '/home/anna/.config'],
    ['rw', '/home/anna/.local/share'],
    ['socket', '/run/docker.sock'],
    ['socket', '/var/lib/incus/unix.socket'],
    ['socket', '/var/snap/lxd/common/lxd/unix.socket'],
    ['socket', '/run/user/1000/bus'],
    ['device', '/dev/sda'],
    ['allow-host', '169.254.169.254:80'],
    ['allow-host', '10.0.0.1:22'],
    ['allow-host', '[fe80::1]:443'],
    ['allow-host', '[fd00:ec2::254]:80'],
    ['allow-host', '0.0.0.0/0'],
    ['allow-host', '8.0.0.0/6:443'],
    ['net', 'host'],
    ['nested', 'true'],
    ['accept', 'metadata'],
  ]
  for (const [rule, value] of dangerous) assert.ok(judged(grant(rule, value)), `${rule} ${value}`)
  const harmless: readonly [GrantRule, string][] = [
    ['ro', '/home/anna/.gitconfig'],
    ['ro', '/etc/hosts'],
    ['rw', '/work/out'],
    ['rw', '/home/anna/.cache/pip'],
    ['rw', '/work/.git/objects'],
    ['rw', '/work/.config/tool'],
    ['rw', '/work/my.git'],
    ['socket', '/run/postgresql/.s.PGSQL.5432'],
    ['device', '/dev/dri'],
    ['allow-host', 'registry.example.org:443'],
    ['allow-host', '1.1.1.1:443'],
    ['allow-host', '[2600:1::5]:443'],
    ['allow-host', '8.8.0.0/16'],
  ]
  for (const [rule, value] of harmless) assert.equal(judged(grant(rule, value)), undefined, `${rule} ${value}`)
})

test('a suggestion that opens .git says what lies in it', () => {
  const refused = { time: '', verdict: 'refused', kind: 'file', rule: 'read-only', action: 'create' } as const
  const { safe, dangerous } = suggest([{ ...refused, path: '/nonexistent-project/.git/HEAD.lock' }], home)
  assert.deepEqual(safe, [])
  assert.equal(dangerous.length, 1)
  const within = sortGrants([grant('rw', '/work/.git'), grant('rw', '/work/out')], home)
  assert.deepEqual(within.safe, [grant('rw', '/work/out')])
  assert.deepEqual(within.dangerous, [
    { grant: grant('rw', '/work/.git'), why: '.git/hooks may lie in it: git runs it' },
  ])
})

test('what was closed is opened by its address alone, and is dangerous whatever its number', () => {
  const closed = { time: '', verdict: 'refused', kind: 'network', action: 'tcp', rule: 'allow-host' } as const
  const refused = { ...closed, host: 'own.example.org', address: '8.8.4.4', port: 443, reason: 'address-closed' }
  const { safe, dangerous } = suggest([refused, { ...refused, reason: 'port-not-allowed' }], home)
  assert.deepEqual(
    [safe, dangerous.map(({ grant: { value } }) => value)],
    [[grant('allow-host', 'own.example.org:443')], ['8.8.4.4:443']],
  )
})

test('many files of a directory become the directory, and versions what holds them; never a home', () => {
  const mayHold = (path: string) => path !== home && path.split('/').length > 3
  const many = ['a', 'b', 'c', 'd'].map((name) => `${home}/.cache/tool/${name}`)
  assert.deepEqual(condensePaths(many, mayHold), [`${home}/.cache/tool`])
  assert.deepEqual(condensePaths(many.slice(1), mayHold), many.slice(1))
  assert.deepEqual(condensePaths([`${home}/.nvm/versions/v20.1.0/bin/node`], mayHold), [`${home}/.nvm/versions`])
  assert.deepEqual(condensePaths([`${home}/.nvm`, `${home}/.nvm/x`], mayHold), [`${home}/.nvm`])
  const dots = ['.a', '.b', '.c', '.d', '.e'].map((name) => `${home}/${name}`)
  assert.deepEqual(condensePaths(dots, mayHold), dots)
})

test('a directory with a secret in its name is not granted for the sake of what lies beside', () => {
  const beside = ['a', 'b', 'c', 'd'].map((name) => grant('ro', `${home}/.config/gh/${name}`))
  const { safe, dangerous } = sortGrants([...beside, grant('rw', '/work'), grant('ro', '/work/x')], home)
  assert.deepEqual(safe, [grant('rw', '/work')])
  assert.equal(dangerous.length, 4)
})

test('lists that are there grow, with their comments, and what is missing stands above the tables', () => {
  const grants = [grant('rw', '/work/out'), grant('ro', `${home}/.gitconfig`), grant('allow-host', 'a.example.org:443')]
  const cases: readonly [before: string, after: string][] = [
    ['', 'rw = ["./out"]\nro = ["~/.gitconfig"]\nallow-host = ["a.example.org:443"]\n'],
    [
      'rw = ["./out"]\nro = ["x"] # why\n[other]\nro = []\n',
      'rw = ["./out"]\nro = ["x", "~/.gitconfig"] # why\nallow-host = ["a.example.org:443"]\n[other]\nro = []\n',
    ],
    [
      'ro = [ # of mine\n    "a]", # ]\n    \'b"\'\n]\nrw=[]',
      'ro = [ # of mine\n    "a]", # ]\n    \'b"\',\n    "~/.gitconfig",\n]\nrw=["./out"]\nallow-host = ["a.example.org:443"]\n',
    ],
  ]
  for (const [before, after] of cases) {
    const text = withGrants(before, grants, places)
    assert.equal(text, after)
    readToml(text, 'policy')
  }
  assert.match(withGrants('nested = false # no\n', [grant('nested', 'true')], places), /^nested = true # no$/m)
})

test('a name that is hard to write is written so that it is that name', () => {
  for (const name of ['a"b', "a'b", 'a\\b', 'a\nb', 'a\u0085b', '[x]', '#x', 'a, "b"']) {
    const text = withGrants('rw = []\n', [grant('rw', `/data/${name}`)], places)
    assert.deepEqual(readToml(text, 'policy').values.rw, [`/data/${name}`])
  }
  assert.equal(flagOf(grant('ro', "/a b'c")), "--ro '/a b'\\''c'")
})
