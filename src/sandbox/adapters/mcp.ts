/**
 * MCP servers that talk over stdin and stdout, in a sandbox: as a transport for a client of the MCP SDK, or as the
 * command that its own transport and configuration files take. In types of our own, so that the package is not needed.
 */
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Sandbox } from '../api.ts'
import type { SandboxedProcess, SpawnOptions } from '../call.ts'
import { commandLine } from '../command-line.ts'
import { readLines } from '../input-output.ts'
import type { SandboxOptions } from '../options.ts'

export interface McpServer {
  readonly command: string
  readonly args: string[]
  /** What the client sets besides, where the sandbox has variables. */
  readonly env?: Record<string, string>
}

/**
 * For `new StdioClientTransport(…)`, and for `mcpServers` of a client's configuration. The values of `env` stand
 * in the `env` of the result and not among the arguments, which other users could read.
 * @throws RuntimeError `sandbox-option`, as `commandLine`
 */
export function mcpServer(options: SandboxOptions, argv: readonly string[]): McpServer {
  const [command, args] = commandLine(options, argv)
  const apart = Object.entries(options.env ?? {}).filter(([name]) => !steering.test(name))
  if (apart.length === 0) return { command, args }
  const named = new Map(apart.map(([name, value]) => [`--env=${name}=${value}`, `--env=${name}`]))
  const end = args.indexOf('--')
  return {
    command,
    args: args.map((word, at) => (at < end ? (named.get(word) ?? word) : word)),
    env: Object.fromEntries(apart.map(([name, value]) => [name, String(value)])),
  }
}

/** What would change our own program, outside of the sandbox: its loader, its shell, Node, and where it looks for files. */
const steering =
  /^(LD_|NODE_|USNEA_|XDG_|LISTEN_|UV_|SSL_|OPENSSL_|MALLOC_|GLIBC_|GCONV_|LC_|BASH|V8_)|^(PATH|HOME|ENV|IFS|PS4|LANG|LOCPATH|TMPDIR|NOTIFY_SOCKET|TERM|NO_COLOR|FORCE_COLOR|SHELLOPTS)$/

/** A server that says no more than this in one message; one that never ends a line must not fill our memory. */
const LONGEST_MESSAGE = 64 * 1024 * 1024
/** Between the end of its input, and being asked to end. */
const PATIENCE_MS = 2000

/** `await client.connect(new McpTransport(box, ['my-server']))` */
export class McpTransport {
  readonly #box: Sandbox
  readonly #argv: readonly string[]
  readonly #options: SpawnOptions
  #command: SandboxedProcess | undefined
  #over: Promise<void> = Promise.resolve()
  onclose?: () => void
  onerror?: (error: Error) => void
  onmessage?: (message: unknown) => void

  /** `options.stdio` is ours, except for stderr: its third entry, by default `inherit` as with the SDK's own transport. */
  constructor(box: Sandbox, argv: readonly string[], options: SpawnOptions = {}) {
    this.#box = box
    this.#argv = argv
    this.#options = options
  }

  /** What the server writes beside its messages, where `stdio` asks for a pipe; after `start`. */
  get stderr(): Readable | undefined {
    return this.#command?.stderr
  }

  /** Starts the server. @throws SandboxError when that cannot be; what happens later is told by `onerror` and `onclose` */
  async start(): Promise<void> {
    if (this.#command !== undefined) throw new Error('this transport was started before')
    const { stdio = 'inherit' } = this.#options
    const stderr = typeof stdio === 'object' ? stdio[2] : stdio
    const command = this.#box.spawn(this.#argv, { ...this.#options, stdio: ['pipe', 'pipe', stderr] })
    this.#command = command
    this.#over = this.#listen(command)
  }

  async #listen(command: SandboxedProcess): Promise<void> {
    try {
      for await (const line of readLines(command.stdout, LONGEST_MESSAGE)) this.#take(line)
    } catch (error) {
      this.onerror?.(error as Error)
      command.kill('SIGKILL')
    }
    await command.exited.catch((error: Error) => this.onerror?.(error))
    this.onclose?.()
  }

  /** One message a line. What is none is told, and the next one may be. */
  #take(line: string): void {
    let message: unknown
    try {
      message = JSON.parse(line)
    } catch (error) {
      this.onerror?.(error as Error)
      return
    }
    this.onmessage?.(message)
  }

  /** Settles when the server may take more. */
  async send(message: unknown): Promise<void> {
    const stdin = this.#command?.stdin
    if (!stdin?.writable) throw new Error('the server is not there')
    if (!stdin.write(`${JSON.stringify(message)}\n`)) await Promise.race([once(stdin, 'drain'), once(stdin, 'close')])
  }

  /** Ends its input, then asks it to end, then kills all of it. Settles when it is gone. */
  async close(): Promise<void> {
    const command = this.#command
    if (command === undefined) return
    command.stdin?.end()
    const clock = new AbortController()
    const late = sleep(PATIENCE_MS, true, { signal: clock.signal }).catch(() => false)
    const gone = command.exited.then(
      () => false,
      () => false,
    )
    if (await Promise.race([gone, late])) command.kill()
    clock.abort()
    await this.#over
  }
}
