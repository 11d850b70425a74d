/** The one service of a directory: its lock, its socket, and the way out. */
import { chmodSync, closeSync, constants, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { errnoOf, RuntimeError } from '../../base/errors.ts'
import { errnoName } from '../../kernel/errno.ts'
import { native } from '../../kernel/native.ts'
import { makePlaces } from '../places.ts'
import { TaskService } from '../service/service.ts'
import type { ServiceOptions } from '../service/state.ts'
import { connectTasks } from './client.ts'
import { serve } from './serve.ts'

const LOCK_EX_NB = 6
const EAGAIN = 11

export interface Host extends AsyncDisposable {
  readonly service: TaskService
  /** Settles when the tasks that were there are found again. */
  readonly restored: Promise<void>
}

export interface HostOptions extends ServiceOptions {
  /** A socket that somebody else listens with for us: sd_listen_fds(3). */
  readonly listener?: number
}

/**
 * Takes the directory, or says who has it.
 * @throws RuntimeError `daemon-running`, `daemon-socket`, `task-bundle`
 */
export async function hostTasks(options: HostOptions): Promise<Host> {
  const { places, uid } = options
  makePlaces(places)
  const lock = takeServiceLock(join(places.state, '.lock'))
  try {
    if (options.listener === undefined) await refuseForeign(places.socket, uid)
    const service = TaskService.open(options)
    const sockets = new Set<Socket>()
    const server = createServer((socket) => {
      if (!serve(socket, service, uid)) return
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
    })
    await listen(server, options)
    const restored = service.restore()
    return {
      service,
      restored,
      [Symbol.asyncDispose]: async () => {
        await restored
        if (options.listener === undefined) rmSync(places.socket, { force: true })
        const closed = new Promise<void>((resolve) => server.close(() => resolve()))
        await service.close()
        for (const socket of sockets) socket.end()
        setTimeout(() => {
          for (const socket of sockets) socket.destroy()
        }, 200).unref()
        await closed
        closeSync(lock)
      },
    }
  } catch (error) {
    closeSync(lock)
    throw error
  }
}

/** The kernel lets go of it when we die, however we do. */
function takeServiceLock(path: string): number {
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600)
  const got = native().flock(fd, LOCK_EX_NB)
  if (got === 0) {
    writeFileSync(path, `${process.pid}\n`)
    return fd
  }
  closeSync(fd)
  if (got !== -EAGAIN) throw new RuntimeError('daemon-socket', { what: `cannot lock ${path}`, errno: errnoName(-got) })
  throw new RuntimeError('daemon-running', {
    what: `another task service is at work in ${dirname(path)}: process ${readFileSync(path, 'utf8').trim()}`,
  })
}

/** With the lock ours, whoever answers there is no service of ours. A socket that nobody listens at is a dead one's. */
async function refuseForeign(path: string, uid: number): Promise<void> {
  const other = await connectTasks(path, uid)
  if (other === undefined) {
    rmSync(path, { force: true })
    return
  }
  other.close()
  throw new RuntimeError('daemon-socket', { what: `another program listens at ${path}` })
}

function listen(server: Server, { places, listener }: HostOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error) => {
      const errno = errnoOf(cause)
      reject(
        new RuntimeError('daemon-socket', {
          what: `cannot listen at ${places.socket}`,
          ...(errno && { errno }),
          cause,
        }),
      )
    }
    server.once('error', fail)
    // Nobody may connect between bind(2) and a chmod(2), so the mask of bind(2) is what keeps others out.
    const mask = process.umask(0o177)
    try {
      if (listener === undefined) server.listen(places.socket, resolve)
      else server.listen({ fd: listener }, resolve)
    } finally {
      process.umask(mask)
    }
    server.once('listening', () => {
      server.off('error', fail)
      if (listener === undefined) chmodSync(places.socket, 0o600)
    })
  })
}
