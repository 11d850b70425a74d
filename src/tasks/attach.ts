/** The other end of a task's input and output: our own streams. */
import { closeSync, constants, openSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import { errnoOf, RuntimeError } from '../base/errors.ts'
import type { TaskIo } from './record.ts'

export interface Streams {
  readonly stdin: Readable
  readonly stdout: Writable
  readonly stderr: Writable
}

export interface Attachment {
  /**
   * Copies until the output has ended. `inputEnded` is called when our input has: nobody else tells the shim.
   * Begin once the shim has opened its ends: before that a fifo seems to have ended already.
   */
  begin(streams: Streams, inputEnded: () => void): Promise<void>
  close(): void
}

/** @throws RuntimeError `task-request` when it has no fifos */
export function attach(io: TaskIo): Attachment {
  const outputs = [io.stdout, io.stderr].filter((path) => path.startsWith('/'))
  if (outputs.length === 0)
    throw new RuntimeError('task-request', {
      what: 'nobody can attach to this task',
      why: 'its output goes to a file, or nowhere',
    })
  const fds = outputs.map((path) => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK))
  let input: Socket | undefined
  let source: Readable | undefined
  const close = () => {
    if (input !== undefined) source?.unpipe(input)
    source?.pause()
    input?.destroy()
    for (const fd of fds.splice(0)) closeSync(fd)
  }
  const begin = async ({ stdin, stdout, stderr }: Streams, inputEnded: () => void) => {
    const targets = [stdout, stderr]
    let isOver = false
    const copied = Promise.all(fds.splice(0).map((fd, at) => copyOut(fd, targets[at] as Writable)))
    copied.then(() => (isOver = true))
    input = io.stdin.startsWith('/') ? await openInput(io.stdin, () => isOver) : undefined
    if (input !== undefined) {
      source = stdin
      input.on('error', () => {}) // the program has closed its input, or has ended
      stdin.once('end', inputEnded)
      stdin.pipe(input)
    }
    await copied
  }
  return { begin, close }
}

/** A pipe and not a file for Node: reading never holds up anything else. */
function copyOut(fd: number, target: Writable): Promise<void> {
  const from = new Socket({ fd, readable: true, writable: false })
  return new Promise((resolve) => {
    from.on('data', (chunk) => {
      if (target.write(chunk)) return
      from.pause()
      target.once('drain', () => from.resume())
    })
    from.on('error', () => {})
    from.once('close', () => resolve())
  })
}

/** Milliseconds: the shim opens its end a moment after it has answered. */
const PATIENCE = 5000

/** Undefined when the program has ended before it could be given anything: then nobody ever reads. */
async function openInput(path: string, isOver: () => boolean): Promise<Socket | undefined> {
  for (const deadline = performance.now() + PATIENCE; ; await new Promise((resolve) => setTimeout(resolve, 5))) {
    try {
      const fd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
      return new Socket({ fd, readable: false, writable: true })
    } catch (error) {
      // ENXIO of open(2): nobody reads yet, or any more.
      if (errnoOf(error) !== 'ENXIO') throw error
      if (isOver()) return undefined
      if (performance.now() > deadline) throw error
    }
  }
}

/** Milliseconds between two looks at a file that grows. */
const LOOK = 100

/** What is in a log, and with `until` what comes to it before that settles. */
export async function copyLog(path: string, target: Writable, until?: Promise<unknown>): Promise<void> {
  await using file = await open(path, 'r')
  let isOver = until === undefined
  until?.then(
    () => (isOver = true),
    () => (isOver = true),
  )
  const buffer = Buffer.allocUnsafe(64 << 10)
  // Followed, it has one more look after the end: containerd's shim may still be copying when it tells the exit.
  let looks = until === undefined ? 1 : 2
  for (let at = 0; ; ) {
    const wasOver = isOver
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at)
    at += bytesRead
    if (bytesRead > 0) await new Promise((resolve) => target.write(Buffer.from(buffer.subarray(0, bytesRead)), resolve))
    else if (wasOver && --looks === 0) return
    else await new Promise((resolve) => setTimeout(resolve, LOOK))
  }
}

/** The file of a `file://` address. */
export const logPath = (address: string): string | undefined =>
  address.startsWith('file:///') ? address.slice('file://'.length) : undefined
