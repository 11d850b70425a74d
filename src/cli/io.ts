/** What a command sees of the terminal and of its caller. Tests give another one. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { errnoOf } from '../base/errors.ts'
import { isTerminal, writeAll } from '../base/files.ts'
import type { Stderr } from '../base/log.ts'

export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>
  /** The absolute path of bin/usnea; undefined when we are not what it starts. */
  readonly program: string | undefined
  /** The caller's directory; empty when it was removed. */
  readonly cwd: string
  /** Everything is written when it returns. A reader that went away (EPIPE) is no error of ours: `| head` does that. */
  out(text: string): void
  readonly stderr: Stderr
  /** Its descriptor, for a thread that writes to a terminal; undefined where there is none. */
  readonly stderrFd: number | undefined
  /** Rejects with an exception that nobody was there to catch: one of a timer or an event. */
  readonly crashed: Promise<never>
}

/** The io of the process. */
export function processIo(): Io {
  return {
    env: process.env,
    program: installedProgram(),
    cwd: currentDirectory(),
    out: writeOut,
    stderr: {
      write: writeError,
      get isTerminal() {
        return isTerminal(2)
      },
      colour: !process.env.NO_COLOR && process.env.TERM !== 'dumb',
    },
    stderrFd: 2,
    crashed: new Promise((_, reject) => process.once('uncaughtException', reject)),
  }
}

function writeOut(text: string): void {
  try {
    writeAll(1, text)
  } catch (error) {
    if (errnoOf(error) !== 'EPIPE') throw error
  }
}

function writeError(text: string): void {
  try {
    writeAll(2, text)
  } catch {}
}

/** We are dist/cli/main.js of a package or checkout. */
function installedProgram(): string | undefined {
  const path = join(dirname(fileURLToPath(import.meta.url)), '../../bin/usnea')
  return existsSync(path) ? path : undefined
}

function currentDirectory(): string {
  try {
    return process.cwd()
  } catch {
    return ''
  }
}
