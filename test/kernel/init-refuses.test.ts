/** init against plans that no compiler of ours would write: each is refused in words, and nothing crashes or hangs. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { waitFor } from '../../src/kernel/children.ts'
import { FD_NULL } from '../../src/kernel/functions.ts'
import { native, sealedInit } from '../../src/kernel/native.ts'
import type { Op } from '../../src/kernel/plan.ts'
import { SocketConversation } from '../../src/launch/conversation.ts'
import { encode } from '../../src/launch/encode.ts'
import type { Frame } from '../../src/launch/frames.ts'

const origin = '/test'
const good: Op[] = [
  { op: 'born', flags: 0, origin },
  { op: 'rootHere', origin },
  { op: 'umask', mask: 0o22, origin },
  { op: 'finish', status: 7, origin },
]

interface Answer {
  readonly frames: Frame[]
  readonly outer: number | undefined
  readonly first: number | undefined
}

async function offer(bytes: Buffer): Promise<Answer> {
  const control = new Int32Array(1)
  const pid = native().spawn(
    sealedInit(),
    bytes,
    bytes.length,
    Int32Array.of(FD_NULL, FD_NULL, FD_NULL),
    3,
    control,
    '',
  )
  assert.ok(pid > 0, `spawn: ${pid}`)
  const conversation = new SocketConversation(control[0] ?? -1)
  const frames: Frame[] = []
  for (let frame = await conversation.next(); frame; frame = await conversation.next()) frames.push(frame)
  conversation.close()
  const outer = await waitFor(pid)
  const born = frames.find(({ message }) => message === 'pidBorn')
  const first = born ? (await waitFor(born.a)).exitCode : undefined
  return { frames, outer: outer.exitCode, first }
}

async function assertRefused(bytes: Buffer, what: string): Promise<string> {
  const { frames, outer } = await offer(bytes)
  assert.deepEqual(
    frames.map(({ message }) => message),
    ['failed'],
    what,
  )
  assert.equal(frames[0]?.a, -1, `${what}: it names no op`)
  assert.equal(outer, 1, what)
  return frames[0]?.payload.toString() ?? ''
}

test('a good plan runs to its end', async () => {
  const { frames, first } = await offer(encode(good))
  assert.deepEqual(
    frames.map(({ message }) => message),
    ['pidBorn'],
  )
  assert.equal(first, 7)
})

test('a plan that is cut off anywhere is refused', async () => {
  const bytes = encode(good)
  for (let size = 1; size < bytes.length; size += 3) await assertRefused(bytes.subarray(0, size), `cut at ${size}`)
})

test('a plan whose ops are out of order is refused', async () => {
  const [born, root, umask, finish] = good as [Op, Op, Op, Op]
  const swapped: [string, Op[]][] = [
    ['no birth', [root, umask, finish]],
    ['two births', [born, born, finish]],
    ['root after process', [born, umask, root, finish]],
    ['something after the end', [born, finish, umask]],
    ['no end', [born, root, umask]],
    ['a new root without a pivot', [born, { op: 'root', path: '/', dev: 0, ino: 0, origin }, umask, finish]],
    ['a mount without a root', [born, { op: 'mask', path: '/x', required: 0, origin }, finish]],
    ['an unknown message', [{ op: 'say', message: 99, origin }, born, finish]],
  ]
  for (const [what, ops] of swapped) assert.notEqual(await assertRefused(encode(ops), what), '', what)
})

test('a plan of another plan.def is refused, and says so', async () => {
  const bytes = encode(good)
  bytes.writeUInt32LE(0, 8)
  assert.match(await assertRefused(bytes, 'sum'), /another plan\.def/)
})

test('random bytes behind a right header are refused or run to an answer, never a crash', async () => {
  let seed = 42
  const random = () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return seed
  }
  for (let round = 0; round < 60; round++) {
    const bytes = encode(good)
    for (let i = 0; i < 4; i++) bytes[24 + (random() % (bytes.length - 24))] = random() % 256
    const { frames, outer } = await offer(bytes)
    const died = frames.length === 0 && outer === undefined
    assert.ok(!died, `round ${round}: init was killed by a signal`)
  }
})

test('a failing op is named by its index and errno', async () => {
  const ops: Op[] = [
    { op: 'born', flags: 0, origin },
    { op: 'hostname', name: 'x'.repeat(100), origin },
    ...good.slice(1),
  ]
  const { frames } = await offer(encode(ops))
  const failed = frames.find(({ message }) => message === 'failed')
  assert.deepEqual([failed?.a, failed?.b], [1, 22])
})

/** What init answers when a plan that ends with `rest` gets these bytes for it. */
async function offerRest(bytes: Buffer): Promise<Frame[]> {
  const plan = encode([
    { op: 'born', flags: 0, origin },
    { op: 'rest', origin },
  ])
  const control = new Int32Array(1)
  const nothing = () => Int32Array.of(FD_NULL, FD_NULL, FD_NULL)
  const pid = native().spawn(sealedInit(), plan, plan.length, nothing(), 3, control, '')
  assert.equal(native().sendRest(control[0] ?? -1, bytes, bytes.length, nothing()), 0)
  const conversation = new SocketConversation(control[0] ?? -1)
  const frames: Frame[] = []
  for (let frame = await conversation.next(); frame; frame = await conversation.next()) frames.push(frame)
  conversation.close()
  await waitFor(pid)
  await waitFor(frames.find(({ message }) => message === 'pidBorn')?.a ?? 0)
  return frames.filter(({ message }) => message !== 'pidBorn')
}

test('the rest of a plan may do what belongs to a command, and nothing else', async () => {
  const end: Op = { op: 'finish', status: 0, origin }
  assert.deepEqual(await offerRest(encode([{ op: 'umask', mask: 0o22, origin }, end])), [])
  for (const [bytes, words] of [
    [encode([{ op: 'unshareUser', origin }, end]), /out of order/],
    [encode([{ op: 'born', flags: 0, origin }, end]), /out of order/],
    [encode([{ op: 'rootHere', origin }, end]), /out of order/],
    [encode([{ op: 'rest', origin }]), /no rest/],
    [encode([{ op: 'umask', mask: 0, origin }]), /no end/],
    [Buffer.from('nothing of a plan'), /size/],
  ] as const) {
    const [frame] = await offerRest(bytes)
    assert.equal(frame?.message, 'failed')
    assert.equal(frame?.a, 1, 'the op that waited')
    assert.match(frame?.payload.toString() ?? '', words)
  }
})
