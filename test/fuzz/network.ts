/** Targets that a hostile command reaches: what it says to the filter of its network. */
import assert from 'node:assert/strict'
import { peekClientHello } from '../../src/sandbox/egress/client-hello.ts'
import { readQuestion, writeAnswer } from '../../src/sandbox/egress/dns-message.ts'
import { readRequest } from '../../src/sandbox/egress/proxy-request.ts'
import { normalName, parseRule } from '../../src/sandbox/egress/rules.ts'
import type { Target } from './target.ts'

const hello = Buffer.from(
  '16030100450100004103030000000000000000000000000000000000000000000000000000000000000000000002130101000016000000120010' +
    '00000d676f6f642e6578616d706c65',
  'hex',
)

/** What was read from a part must be read from the whole: bytes that come later change nothing. */
function runHello(input: Buffer): string {
  const whole = peekClientHello(input)
  for (const end of [1, 5, 44, input.length >> 1]) {
    const part = peekClientHello(input.subarray(0, Math.min(end, input.length)))
    if (part !== 'more') assert.deepEqual(whole, part)
  }
  return typeof whole === 'string' ? whole : whole.serverName === undefined ? 'nameless' : 'named'
}

/** An answer fits, and is itself no question. */
function runQuestion(input: Buffer): string {
  const question = readQuestion(input)
  if (question === undefined) return 'none'
  if ('refuse' in question) return `refused ${question.refuse}`
  const answer = writeAnswer(question, { code: 0, addresses: Array(50).fill(1), room: 512 })
  assert.ok(answer.length <= 512)
  assert.equal(readQuestion(answer), undefined)
  return `${question.hasEdns} ${normalName(question.name) !== undefined}`
}

function runProxy(input: Buffer): string {
  return [false, true]
    .map((isGreeted) => {
      const request = readRequest(input, isGreeted)
      if (typeof request === 'string') return request
      if ('greet' in request) return 'greet'
      assert.ok(request.target.port >= 0 && request.target.port <= 65535)
      return request.style
    })
    .join()
}

/** A name is its own normal form, and never something that could be taken for an address. */
function runRule(input: Buffer): string {
  const parsed = parseRule(input.toString())
  if ('problem' in parsed) return parsed.problem
  const { host } = parsed.rule
  if ('addresses' in host) {
    assert.ok(host.addresses.first <= host.addresses.last)
    return 'addresses'
  }
  if (host.name !== '') assert.equal(normalName(host.name), host.name)
  assert.doesNotMatch(host.name, /(^|\.)\d+$/)
  return `name ${host.below}`
}

export const network: readonly Target[] = [
  { name: 'client-hello', seeds: [hello, 'GET / HTTP/1.1'], run: runHello },
  {
    name: 'dns-question',
    seeds: [
      Buffer.from(
        '123401000001000000000001016107657861 6d706c6500000100010000291000000000000000'.replace(' ', ''),
        'hex',
      ),
    ],
    run: runQuestion,
  },
  {
    name: 'proxy-request',
    seeds: [
      'CONNECT a.example:443 HTTP/1.1\r\n\r\n',
      'GET http://a.example/ HTTP/1.1\r\nHost: a\r\n\r\n',
      Buffer.from([5, 1, 0, 3, 1, 97, 1, 187]),
      Buffer.from([5, 1, 0]),
    ],
    run: runProxy,
  },
  { name: 'allow-host', seeds: ['*.example.org:443,80', '10.0.0.0/8:1-9', 'ü.example', '[::1]:80'], run: runRule },
]
