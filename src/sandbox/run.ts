/** One command from its input to its result. */
import type { RunOptions, Stdio } from './call.ts'
import { type Captured, capture, withoutFinalNewline } from './capture.ts'
import { checkRunCall } from './check-call.ts'
import type { Command } from './command.ts'
import { feed } from './input-output.ts'
import { SandboxError, type SandboxResult } from './result.ts'

export const DEFAULT_MAX_BUFFER = 100_000_000

type Result = SandboxResult<string | Uint8Array>
type Three = readonly [Stdio, Stdio, Stdio]

/** @throws SandboxError unless `reject` is false, then it is the result; RuntimeError `sandbox-option` */
export async function runToEnd(start: (stdio: Three) => Command, options: RunOptions): Promise<Result> {
  checkRunCall(options)
  const { input, reject = true, stdio = 'pipe' } = options
  const [, out, err] = typeof stdio === 'object' ? stdio : [stdio, stdio, stdio]
  try {
    const command = start([input === undefined ? 'ignore' : 'pipe', out, err])
    const result = await collect(command, options)
    if (result.failed) throw new SandboxError(result)
    return result
  } catch (error) {
    if (reject || !(error instanceof SandboxError)) throw error
    return error
  }
}

async function collect(command: Command, options: RunOptions): Promise<Result> {
  const { input, maxBuffer = DEFAULT_MAX_BUFFER } = options
  if (input !== undefined && command.stdin)
    feed(command.stdin, input).catch((error: unknown) => command.fail(error ?? new Error('the input failed')))
  const [exited, stdout, stderr] = await Promise.all([
    command.exited,
    capture(command.stdout, maxBuffer),
    capture(command.stderr, maxBuffer),
  ])
  const output = (captured: Captured) => asWanted(captured, options)
  return { ...exited, stdout: output(stdout), stderr: output(stderr), isMaxBuffer: stdout.isCut || stderr.isCut }
}

function asWanted({ bytes }: Captured, { encoding = 'utf8', stripFinalNewline = true }: RunOptions) {
  if (encoding === 'buffer') return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
  const text = bytes.toString()
  return stripFinalNewline ? withoutFinalNewline(text) : text
}
