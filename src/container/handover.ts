/** Descriptors of a container that somebody outside asked for: its terminal, and a pidfd of its first process. */
import { closeSync } from 'node:fs'
import type { Dispose } from '../base/dispose.ts'
import { RuntimeError } from '../base/errors.ts'
import { errnoName } from '../kernel/errno.ts'
import { connectUnix, sendMessage } from '../kernel/fdpass.ts'
import { native } from '../kernel/native.ts'
import type { Child } from '../launch/launch.ts'

export interface SocketOptions {
  /** A unix stream socket that is sent the terminal: one message, the other end's name. */
  readonly consoleSocket?: string
  /** A unix stream socket that is sent a pidfd: one message, the kind of process. */
  readonly pidfdSocket?: string
}

/** What the pidfd is of: the container's first process, or one that `exec` put beside it. */
export type ProcessKind = 'standard' | 'setns'

type Delivered = Pick<Child, 'pid' | 'console' | 'consoleName'>

export interface TerminalWish {
  readonly terminal: boolean | undefined
  readonly detached: boolean
  readonly consoleSocket: string | undefined
}

/** Before anything is made. @throws RuntimeError `terminal-socket`: a terminal needs exactly one who takes it */
export function checkTerminal({ terminal = false, detached, consoleSocket }: TerminalWish): void {
  if (detached && terminal && consoleSocket === undefined)
    throw new RuntimeError('terminal-socket', {
      what: 'cannot allocate tty if usnea will detach without setting console socket',
      fix: 'pass --console-socket PATH, or leave the terminal out (process.terminal, exec --tty)',
    })
  if (!(detached && terminal) && consoleSocket !== undefined)
    throw new RuntimeError('terminal-socket', {
      what: 'cannot use console socket if usnea will not detach or allocate tty',
      fix: 'leave --console-socket out, or ask for a terminal and --detach',
    })
}

/** Connections to both. Opened before anything is made, so that a wrong path leaves nothing behind. */
export class Handover {
  readonly #console: Connection | undefined
  readonly #pidfd: Connection | undefined
  #isOpen = true

  /** @throws RuntimeError `socket-failed`. `undo` closes what was never delivered. */
  constructor({ consoleSocket, pidfdSocket }: SocketOptions, undo: Dispose) {
    undo.push(() => this.close())
    this.#console = connect('console', consoleSocket)
    this.#pidfd = connect('pidfd', pidfdSocket)
  }

  /** For a process that waits for `go`. Whoever wanted it may be gone by now. @throws RuntimeError `socket-failed` */
  deliver({ pid, console: master, consoleName }: Delivered, kind: ProcessKind): void {
    if (this.#console && master !== undefined) sendAway(this.#console, consoleName, master)
    if (this.#pidfd) sendAway(this.#pidfd, kind, openPidfd(pid))
    this.close()
  }

  close(): void {
    if (this.#isOpen)
      for (const connection of [this.#console, this.#pidfd]) if (connection) closeSync(connection.socket)
    this.#isOpen = false
  }
}

interface Connection {
  readonly name: string
  readonly path: string
  readonly socket: number
}

function connect(name: string, path: string | undefined): Connection | undefined {
  if (path === undefined) return undefined
  const socket = connectUnix(path)
  if (typeof socket === 'number') return { name, path, socket }
  throw new RuntimeError('socket-failed', {
    what: `cannot connect to the ${name} socket ${path}`,
    errno: socket.refused,
    fix: 'start what listens on that unix stream socket first',
  })
}

function openPidfd(pid: number): number {
  const fd = native().pidfdOpen(pid)
  if (fd < 0) throw new RuntimeError('socket-failed', { what: 'cannot open a pidfd', errno: errnoName(-fd) })
  return fd
}

/** Afterwards the descriptor is only theirs. */
function sendAway({ name, path, socket }: Connection, text: string, fd: number): void {
  const failure = sendMessage(socket, text, [fd])
  closeSync(fd)
  if (!failure) return
  throw new RuntimeError('socket-failed', {
    what: `cannot send to the ${name} socket ${path}`,
    errno: failure.refused,
    why: 'whoever listens there does not read, or has closed the connection',
  })
}
