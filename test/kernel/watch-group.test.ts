/** The watchdog of many sandboxes goes on holding their limits when nobody reads what it has to tell. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { watchGroup } from '../../src/kernel/aside.ts'
import { receiveMessage, sendMessage } from '../../src/kernel/fdpass.ts'
import { native } from '../../src/kernel/native.ts'

/** More than the send buffer of a socket holds: some 280 packets. */
const MANY = 600

function wish(channel: number, numbers: readonly number[]): void {
  const bytes = Buffer.alloc(40)
  for (const [i, number] of numbers.entries()) bytes.writeBigUInt64LE(BigInt(number), i * 8)
  const pidfd = native().pidfdOpen(numbers[1] ?? 0)
  assert.ok(pidfd >= 0)
  assert.equal(sendMessage(channel, bytes, [pidfd]), undefined)
  closeSync(pidfd)
}

test('a program that does not listen loses neither a limit nor a verdict', async () => {
  const ends = new Int32Array(2)
  assert.ok(native().packetPair(ends) >= 0)
  const [ours = -1, theirs = -1] = ends
  assert.ok(watchGroup(theirs, 'test') >= 0)
  closeSync(theirs)
  const crowd = spawn('sh', [
    '-c',
    `i=0; while [ $i -lt ${MANY} ]; do sleep 60 & echo $!; i=$((i+1)); done; echo end; wait`,
  ])
  const pids: number[] = []
  try {
    for await (const line of createInterface(crowd.stdout)) {
      if (line === 'end') break
      pids.push(Number(line))
    }
    for (const [i, pid] of pids.entries()) wish(ours, [i + 1, pid, 1, 0, 0])
    // No memory that a process could have: each of them is ended, and has a verdict.
    for (const [i, pid] of pids.entries()) wish(ours, [MANY + i + 1, pid, 1, 1, 0])
    await once(crowd, 'exit')
    const ended = new Set<bigint>()
    while (ended.size < MANY) {
      assert.equal(native().waitReadable(ours, 10_000), 1)
      const bytes = Buffer.alloc(32)
      assert.ok(!('refused' in receiveMessage(ours, bytes)))
      if (bytes.readBigUInt64LE(8) !== 0n) ended.add(bytes.readBigUInt64LE(0))
    }
    assert.deepEqual(
      [...ended].sort((a, b) => Number(a - b)),
      pids.map((_, i) => BigInt(MANY + i + 1)),
    )
  } finally {
    crowd.kill('SIGKILL')
    for (const pid of pids) end(pid)
    closeSync(ours)
  }
})

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // the watchdog has done it
  }
}
