/** What the observer of a hostile command writes, and what is made of it: never an exception, never more than one line a record. */
import assert from 'node:assert/strict'
import { printSuggestion } from '../../src/cli/print/suggestion.ts'
import { readToml } from '../../src/config/toml.ts'
import { denialLine, denialOf } from '../../src/sandbox/denials/denial.ts'
import { cautionOfGrant, dangerOfGrant } from '../../src/sandbox/denials/grant.ts'
import { withGrants, wordOf } from '../../src/sandbox/denials/policy-text.ts'
import { RecordReader } from '../../src/sandbox/denials/record.ts'
import { readLog, suggest } from '../../src/sandbox/denials/suggest.ts'
import { summarizeDenials } from '../../src/sandbox/denials/summary.ts'
import { checkOptions } from '../../src/sandbox/options.ts'
import type { Policy } from '../../src/sandbox/policy.ts'
import { aHost } from '../unit/host/literal.ts'
import type { Target } from './target.ts'

const host = aHost({ home: '/home/anna', cwd: '/' })
const policy: Policy = {
  host,
  options: checkOptions({}, '/'),
  privates: [{ path: '/tmp', mode: '1777' }],
  mirrors: [],
  exposures: [],
  protections: [{ path: '/work/.git/hooks', writable: false }],
  unprotected: [],
  hide: ['/hidden'],
  deny: ['/denied'],
  freshProc: true,
  hasResolvConf: false,
  cwd: '/',
  degradations: [],
  way: undefined,
  groups: { kept: [], dropped: [], enforcedBy: 'nothing' },
  maps: undefined,
  standing: { level: 'U1', landlock: 0 },
}

const HEAD = 72

function record(kind: number, access: number, errno: number, text: string): Buffer {
  const head = Buffer.alloc(HEAD)
  const bytes = Buffer.from(text, 'latin1')
  for (const [place, value] of [bytes.length, kind, access, errno, 4711, 257, 0xc000_003e, 1].entries())
    head.writeUInt32LE(value, 4 * place)
  head.writeBigUInt64LE(1_764_348_000_000n, 32)
  head.write('cat', 56)
  return Buffer.concat([head, bytes])
}

/** In pieces the same comes out as in one. */
function run(input: Buffer): string {
  const whole = new RecordReader().read(input)
  const reader = new RecordReader()
  const middle = input.length >> 1
  const pieces = [...reader.read(input.subarray(0, middle)), ...reader.read(input.subarray(middle))]
  assert.deepEqual(pieces, whole)
  assert.ok(whole.length <= input.length / HEAD)
  const denials = whole.filter(({ kind }) => kind !== 'end').map((one) => denialOf(one, policy))
  for (const denial of denials) {
    const line = denialLine(denial)
    assert.equal(line.indexOf('\n'), line.length - 1)
    assert.doesNotMatch(line.slice(0, -1), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
    assert.deepEqual(JSON.parse(line), denial)
  }
  for (const line of summarizeDenials(denials)) assert.doesNotMatch(line, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
  return denials.map(({ kind, action, rule }) => `${kind} ${action} ${rule}`).join()
}

const places = { directory: '/work', home: '/home/anna' }

/** A log that somebody made up: what is suggested is a policy, says what it says, and opens nothing dangerous. */
function runLog(input: Buffer): string {
  const found = suggest(readLog(input.toString()), places.home)
  for (const { rule, value } of found.safe)
    assert.equal(dangerOfGrant({ rule, value }, places.home) ?? cautionOfGrant({ rule, value }), undefined, value)
  const text = withGrants('rw = ["a"] # mine\ntimeout = "5s"\n', found.safe, places)
  const { values } = readToml(text, 'policy')
  for (const grant of found.safe) {
    const said = values[grant.rule]
    assert.ok(grant.rule === 'nested' || (Array.isArray(said) && said.includes(wordOf(grant, places))), text)
  }
  const wanted = { file: '/work/.usnea.toml', before: '', home: places.home, flags: true, dangerous: true }
  for (const line of printSuggestion(found, wanted).split('\n'))
    assert.doesNotMatch(line, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
  return [...found.safe.map(({ rule }) => rule), ...found.dangerous.map(({ why }) => why)].join()
}

const line = (more: object) =>
  `${JSON.stringify({ time: '2025-11-28T16:40:00.000Z', verdict: 'refused', kind: 'file', action: 'read', rule: 'read-only', ...more })}\n`

export const denials: readonly Target[] = [
  {
    name: 'denial-log',
    seeds: [
      line({ path: '/home/anna/.cache/x', rule: 'private /home/anna' }) + line({ action: 'write', path: '/etc/x' }),
      line({ kind: 'network', action: 'connect', address: '1.1.1.1', port: 443, rule: 'net none' }),
      line({ kind: 'call', action: 'call', call: 'unshare', rule: 'nested' }) +
        line({ action: 'connect', path: '/run/a' }),
      ['a', 'b', 'c', 'd', 'e'].map((name) => line({ path: `/data/x/y/v1.2/${name}`, action: 'create' })).join(''),
    ],
    words: ['/home/anna/.ssh/id', '"protect /work/.git/hooks"', '"\\n"', "'", '"devices"', '*.example.org'],
    run: runLog,
  },
  {
    name: 'denials',
    seeds: [
      record(1, 2, 30, '/etc/x'),
      Buffer.concat([record(1, 1, 2, '/tmp/\xff'), record(2, 128, 101, '443 192.0.2.1'), record(6, 0, 0, '')]),
      Buffer.concat([record(3, 0, 1, ''), record(4, 2048, 3, '/proc/1'), record(5, 1, 0, '')]),
    ],
    words: ['/hidden', '/denied', '/work/.git/hooks', '\n', '\u202e', '443 ::1'],
    run,
  },
]
