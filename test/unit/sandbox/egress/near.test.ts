import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRange } from '../../../../src/sandbox/egress/addresses.ts'
import { nearness } from '../../../../src/sandbox/egress/near.ts'
import { parseRule } from '../../../../src/sandbox/egress/rules.ts'

const own = ['8.8.4.4/32', '2600:1:2:3::/64'].flatMap((text) => parseRange(text) ?? [])

function near(text: string): string | undefined {
  const parsed = parseRule(text)
  return 'rule' in parsed ? nearness(parsed.rule, own) : assert.fail(parsed.problem)
}

test('a rule with an address near at hand is told from one for the internet', () => {
  const cases: readonly [RegExp, readonly string[]][] = [
    [/metadata/, ['169.254.169.254', '169.254.0.0/16:80', '[fd00:ec2::254]:80', '168.63.129.16', '0.0.0.0/0']],
    [/this machine/, ['8.8.4.4:53', '8.8.0.0/16', '[2600:1:2:3::9]:22', '[2600:1::/32]:443']],
    [/private/, ['10.0.0.0/8', '192.168.1.7:443', '[fe80::1]:1', '[fc00::/8]']],
    [/private/, ['[64:ff9b::a00:1]:1']],
  ]
  for (const [words, rules] of cases) for (const rule of rules) assert.match(near(rule) ?? '', words, rule)
  for (const rule of ['8.8.4.5', '1.1.1.0/24:443', '[2600:1:2:4::]:443', 'example.org', '*.example.org:80', '*'])
    assert.equal(near(rule), undefined, rule)
})
