/**
 * The sandbox of the AI SDK (`Experimental_SandboxSession` of `ai` 7), for `experimental_sandbox` and for tools that ask
 * for one. Told in types of our own, so that the package is not needed; a change there is a change of these.
 */
import { constants } from 'node:os'
import { resolve } from 'node:path'
import { Readable, Writable } from 'node:stream'
import type { Sandbox } from '../api.ts'
import type { SandboxedProcess } from '../call.ts'
import type { SandboxResult } from '../result.ts'
import { type DirectoryEntry, type FileStat, Files, type Named } from './ai-files.ts'

export interface AiSessionOptions {
  /** Where commands begin, and what relative paths count from. Default: the sandbox's own. */
  readonly cwd?: string
  /** What the model is told of the place. Default: a few sentences about what stays, what may be written and the network. */
  readonly description?: string
  /** The shell that reads commands. Default `sh`. */
  readonly program?: string
}

export interface AiProcessOptions {
  readonly command: string
  readonly workingDirectory?: string
  readonly env?: Record<string, string>
  readonly abortSignal?: AbortSignal
}

export interface AiProcess {
  readonly stdout: ReadableStream<Uint8Array>
  readonly stderr: ReadableStream<Uint8Array>
  wait(): Promise<{ exitCode: number }>
  kill(): Promise<void>
}

export interface AiWritableProcess extends AiProcess {
  readonly stdin: WritableStream<Uint8Array>
}

interface Spawn {
  (options: AiProcessOptions & { stdin: true }): Promise<AiWritableProcess>
  (options: AiProcessOptions & { stdin?: false }): Promise<AiProcess>
  (options: AiProcessOptions & { stdin?: boolean }): Promise<AiProcess | AiWritableProcess>
}

interface Encoded {
  readonly encoding?: string
}

export interface AiSession {
  readonly description: string
  readonly run: (options: AiProcessOptions) => Promise<{ exitCode: number; stdout: string; stderr: string }>
  readonly spawn: Spawn
  readonly readFile: (options: Named) => Promise<ReadableStream<Uint8Array> | null>
  readonly readBinaryFile: (options: Named) => Promise<Uint8Array | null>
  readonly readTextFile: (options: Named & Encoded & { startLine?: number; endLine?: number }) => Promise<string | null>
  readonly writeFile: (options: Named & { content: ReadableStream<Uint8Array> }) => Promise<void>
  readonly writeBinaryFile: (options: Named & { content: Uint8Array }) => Promise<void>
  readonly writeTextFile: (options: Named & Encoded & { content: string }) => Promise<void>
  readonly stat: (options: Named) => Promise<FileStat | null>
  readonly listDirectory: (options: Named) => Promise<DirectoryEntry[] | null>
  readonly deleteFile: (options: Named) => Promise<boolean>
}

/** Each command, and each reading and writing of a file, is a command of its own in the sandbox. */
export function aiSession(box: Sandbox, options: AiSessionOptions = {}): AiSession {
  const { cwd, description = describe(box, cwd) } = options
  const files = new Files(box, cwd)
  const start = new Starter(box, options)
  return {
    description,
    run: (wish) => start.run(wish),
    spawn: ((wish: AiProcessOptions & { stdin?: boolean }) => start.spawn(wish)) as Spawn,
    readFile: async (named) => webOf(await files.stream(named)),
    readBinaryFile: (named) => files.bytes(named),
    readTextFile: async ({ encoding, startLine = 1, endLine, ...named }) => {
      const bytes = await files.bytes(named)
      return bytes && linesOf(new TextDecoder(encoding).decode(bytes), startLine, endLine)
    },
    writeFile: (wish) => files.write(wish),
    writeBinaryFile: (wish) => files.write(wish),
    writeTextFile: ({ content, encoding = 'utf-8', ...named }) =>
      files.write({ ...named, content: Buffer.from(content, checkEncoding(encoding)) }),
    stat: (named) => files.stat(named),
    listDirectory: (named) => files.list(named),
    deleteFile: (named) => files.remove(named),
  }
}

class Starter {
  readonly #box: Sandbox
  readonly #options: AiSessionOptions

  constructor(box: Sandbox, options: AiSessionOptions) {
    this.#box = box
    this.#options = options
  }

  async run(wish: AiProcessOptions): Promise<{ exitCode: number; stdout: string; stderr: string }> {
    const wishes = { ...this.#around(wish), reject: false, stripFinalNewline: false }
    const result = await this.#box.run(this.#argv(wish), wishes)
    const note =
      result.timedOut || result.isMaxBuffer ? `\n[${result.timedOut ? 'timed out' : 'output was cut'}]\n` : ''
    return { exitCode: exitCodeOf(result), stdout: result.stdout, stderr: result.stderr + note }
  }

  async spawn(wish: AiProcessOptions & { stdin?: boolean }): Promise<AiProcess | AiWritableProcess> {
    const stdin = wish.stdin === true ? 'pipe' : 'ignore'
    const command = this.#box.spawn(this.#argv(wish), { ...this.#around(wish), stdio: [stdin, 'pipe', 'pipe'] })
    const { stdin: input, stdout, stderr } = command
    if (!stdout || !stderr) throw new TypeError('streams were expected')
    const handle = { stdout: webOf(stdout), stderr: webOf(stderr), ...endingOf(command) }
    return input ? { ...handle, stdin: Writable.toWeb(input) as WritableStream<Uint8Array> } : handle
  }

  #argv({ command }: AiProcessOptions): string[] {
    return [this.#options.program ?? 'sh', '-c', command]
  }

  #around({ workingDirectory, env, abortSignal }: AiProcessOptions) {
    const { cwd } = this.#options
    const place = workingDirectory === undefined ? cwd : resolve(cwd ?? this.#box.cwd, workingDirectory)
    return {
      ...(place === undefined ? {} : { cwd: place }),
      ...(env === undefined ? {} : { env }),
      ...(abortSignal === undefined ? {} : { cancelSignal: abortSignal }),
    }
  }
}

function endingOf(command: SandboxedProcess): Pick<AiProcess, 'wait' | 'kill'> {
  return {
    wait: async () => ({ exitCode: exitCodeOf(await command.exited) }),
    async kill() {
      command.kill()
      await command.exited.catch(() => {}) // it never ran: then it is dead too
    },
  }
}

const TIMED_OUT = 124

/** As shells tell it. @throws the reason of an abort, and the error of a command that never ran */
function exitCodeOf(result: SandboxResult): number {
  if (result.isCanceled) throw result.cause
  if (result.timedOut) return TIMED_OUT
  if (result.exitCode !== undefined) return result.exitCode
  if (result.signal === undefined) throw result
  return 128 + (constants.signals[result.signal as NodeJS.Signals] ?? 0)
}

function webOf<Stream extends Readable | null>(stream: Stream): Stream extends null ? null : ReadableStream<Uint8Array>
function webOf(stream: Readable | null): ReadableStream<Uint8Array> | null {
  return stream === null ? null : (Readable.toWeb(stream) as ReadableStream<Uint8Array>)
}

/** From 1, both ends belong to it. The newlines stay as they are. */
function linesOf(text: string, from: number, to = Number.POSITIVE_INFINITY): string {
  if (from <= 1 && to === Number.POSITIVE_INFINITY) return text
  return text
    .split(/(?<=\n)/)
    .slice(Math.max(0, from - 1), to)
    .join('')
}

function checkEncoding(encoding: string): BufferEncoding {
  if (Buffer.isEncoding(encoding)) return encoding
  throw new RangeError(`texts cannot be written as ${encoding}`)
}

function describe({ writable, parts }: Sandbox, cwd: string | undefined): string {
  const places = writable.length === 0 ? 'No directory' : writable.join(', ')
  return [
    'A Linux sandbox on this machine. Each command is run by sh in a sandbox of its own: /tmp, the home directory and',
    'background processes are gone when it ends.',
    `${places} can be changed for good; everything else is read-only or private.`,
    parts.netns ? 'The network is separate, and may reach nothing.' : '',
    cwd === undefined ? '' : `Commands begin in ${cwd}.`,
  ]
    .filter((line) => line !== '')
    .join('\n')
}
