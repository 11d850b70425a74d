/** The program of a shim, called for one thing: to start a shim, or to clean up where one has died. */
import { spawn } from 'node:child_process'
import { errnoOf, RuntimeError } from '../../base/errors.ts'
import { any } from '../protobuf/google.ts'
import { type TaskResponse, taskMethods } from '../protobuf/task.ts'

export interface ShimCall {
  /** Absolute. */
  readonly binary: string
  readonly namespace: string
  readonly id: string
  readonly bundle: string
  /** The socket of the service: events go there. */
  readonly socket: string
  /** Called as `PROGRAM publish` by shims that publish in the older way. */
  readonly publishBinary: string
  /** google.protobuf.Any, as bytes. */
  readonly options: Uint8Array
  readonly env: Readonly<Record<string, string | undefined>>
  /** Milliseconds. */
  readonly timeout: number
}

/** Longer answers are not one. */
const MOST_OUTPUT = 64 << 10

interface Answer {
  readonly stdout: Buffer
  readonly stderr: string
}

/** @throws RuntimeError `shim-missing`, `shim-failed`, `shim-silent` */
function callBinary(call: ShimCall, action: readonly string[], input: Uint8Array): Promise<Answer> {
  const { binary, namespace, socket, publishBinary, id, bundle, env, timeout } = call
  const args = ['-namespace', namespace, '-address', socket, '-publish-binary', publishBinary, '-id', id, ...action]
  return new Promise((resolve, reject) => {
    const child = spawn(binary, args, {
      cwd: bundle,
      env: { ...env, TTRPC_ADDRESS: socket, GOMAXPROCS: '2' },
      // A group of its own: what is sent to ours from a terminal is not meant for it.
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    const output = [child.stdout, child.stderr].map(collect)
    const stderr = () =>
      Buffer.concat(output[1] ?? [])
        .toString()
        .trim()
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new RuntimeError('shim-silent', { what: `${binary} ${action.at(-1)} did not end in ${timeout} ms` }))
    }, timeout)
    child.on('error', (cause) => {
      clearTimeout(timer)
      reject(notStarted(binary, cause))
    })
    // Not `close`: a shim may leave our pipe to the process that it started.
    child.on('exit', (status, signal) => {
      clearTimeout(timer)
      afterReading(() => {
        for (const stream of [child.stdout, child.stderr]) stream.destroy()
        if (status === 0) return resolve({ stdout: Buffer.concat(output[0] ?? []), stderr: stderr() })
        const ended = signal === null ? `ended with status ${status}` : `was ended by ${signal}`
        reject(
          new RuntimeError('shim-failed', {
            what: `${binary} ${action.at(-1)} ${ended}`,
            why: stderr() || 'it said nothing',
          }),
        )
      })
    })
    // One that does not read its input has no use for it.
    child.stdin.on('error', () => {}).end(input)
  })
}

/**
 * What a process has written is in its pipes when its exit is told, but not always read: libuv collects every child that
 * has ended when one of them has. Between two turns of setImmediate it looks at all descriptors.
 */
const afterReading = (work: () => void) => setImmediate(() => setImmediate(work))

function collect(stream: NodeJS.ReadableStream): Buffer[] {
  const chunks: Buffer[] = []
  let size = 0
  stream
    .on('error', () => {})
    .on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= MOST_OUTPUT) chunks.push(chunk)
    })
  return chunks
}

function notStarted(binary: string, cause: unknown): RuntimeError {
  const errno = errnoOf(cause)
  if (errno === 'ENOENT')
    return new RuntimeError('shim-missing', { what: `runtime binary not installed: ${binary}`, cause })
  return new RuntimeError('shim-failed', { what: `${binary} could not be started`, ...(errno && { errno }), cause })
}

export interface ShimAddress {
  readonly address: string
  /** Of the task service. */
  readonly version: number
}

/**
 * Starts a shim, or finds the one of the task's group.
 * @throws RuntimeError `shim-missing`, `shim-failed`, `shim-silent`, `shim-garbage`
 */
export async function startShim(call: ShimCall): Promise<ShimAddress> {
  const { stdout } = await callBinary(call, ['start'], call.options)
  return parseAddress(stdout.toString())
}

/** An address, or since containerd 1.7 JSON that holds one. @throws RuntimeError `shim-garbage` */
export function parseAddress(text: string): ShimAddress {
  const trimmed = text.trim()
  const found = trimmed.startsWith('{') ? fromJson(trimmed) : { address: trimmed, version: 2 }
  if (found === undefined || !isAddress(found.address))
    throw new RuntimeError('shim-garbage', {
      what: `the shim does not say where it listens: ${JSON.stringify(trimmed.slice(0, 200))}`,
    })
  if (found.version !== 2 && found.version !== 3)
    throw new RuntimeError('shim-garbage', {
      what: `the shim speaks version ${found.version} of the task service; we know 2 and 3`,
    })
  return found
}

/** A path, or a name in the abstract namespace. */
const isAddress = (text: string): boolean => !/\p{Cc}/u.test(text) && /^unix:\/\/\/.|^[^:]+$/.test(text)

function fromJson(text: string): ShimAddress | undefined {
  try {
    const { version, address, protocol } = JSON.parse(text) as Record<string, unknown>
    if (typeof version !== 'number' || typeof address !== 'string' || protocol !== 'ttrpc') return undefined
    return { version, address }
  } catch {
    return undefined
  }
}

/**
 * Ends and removes what a dead shim has left of a container.
 * @throws RuntimeError `shim-missing`, `shim-failed`, `shim-silent`, `shim-garbage`
 */
export async function deleteByBinary(call: ShimCall): Promise<TaskResponse<'Delete'>> {
  const { stdout } = await callBinary(call, ['-bundle', call.bundle, 'delete'], new Uint8Array())
  try {
    return taskMethods.Delete.response.decode(stdout)
  } catch (cause) {
    throw new RuntimeError('shim-garbage', { what: `${call.binary} delete answers what is no message`, cause })
  }
}

export const packOptions = (typeUrl: string, value: Uint8Array): Uint8Array => any.encode({ typeUrl, value })
