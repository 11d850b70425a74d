/** Starts init with a plan and leads the conversation up to the point where the container waits, or runs. */
import { closeSync } from 'node:fs'
import { RuntimeError } from '../base/errors.ts'
import type { Degradation } from '../base/issue.ts'
import type { Host } from '../host/facts.ts'
import { isOwnProc, readProcess } from '../host/process.ts'
import { killChild, waitNow } from '../kernel/children.ts'
import { FD_NULL } from '../kernel/functions.ts'
import type { Plan } from '../kernel/plan.ts'
import { messages } from '../kernel/plan-def.ts'
import { BlockingConversation } from './blocking.ts'
import { type Conversation, type Failure, type Frame, failureOf, type MessageName } from './frames.ts'
import { mapHeldTree } from './held-tree.ts'
import { explainFailure, spawnInit } from './init.ts'
import { describeService, serveOverlay } from './overlay.ts'
import { describeWeaker } from './weaker.ts'

/** What the parent does when init asks for it. The string an answer gives is sent along (the state JSON for hooks). */
export interface Answers {
  /** The user namespace exists; `pid` is the outer process, which waits for its maps. */
  readonly mapsWritten?: (pid: number) => Promise<string | undefined>
  /** The container's first process exists. */
  readonly placed?: (pid: number) => Promise<string | undefined>
  readonly hooksRun?: (pid: number) => Promise<string | undefined>
  /** A filter with a listener is loaded. The listener is closed here when the promise is settled. */
  readonly taken?: (pid: number, listener: number) => Promise<string | undefined>
}

export interface LaunchOptions {
  readonly host: Host
  /** Descriptors 0, 1, 2, … of the container, or FD_NULL, FD_PIPE_IN, FD_PIPE_OUT of kernel/native. */
  readonly fds: readonly number[]
  readonly answers?: Answers
  /** Called as soon as the container's first process exists, before anything else goes on. */
  readonly onBorn?: (pid: number) => void
}

export interface Child {
  /** The container's first process, in our pid namespace. It is our direct child. */
  readonly pid: number
  /** What init could only do in a weaker way. */
  readonly weaker: readonly Degradation[]
  /** Our ends of the pipes that were asked for, by descriptor number of the container; -1 elsewhere. */
  readonly pipes: readonly number[]
  /** The master of the container's terminal, close-on-exec and the caller's to close; undefined without a terminal. */
  readonly console: number | undefined
  /** The other end's name inside, such as `/dev/pts/0`; empty without a terminal. */
  readonly consoleName: string
  /** Says `go`, and settles when the program runs, or when init waits at the gate. */
  go(state?: string): Promise<void>
  readonly conversation: Conversation
}

interface Talking {
  readonly outer: number
  readonly conversation: BlockingConversation
}

/** The messages of the plan in their order: what init says, and what it then waits for. */
const replies: Partial<Record<MessageName, { answer: keyof Answers; reply: MessageName }>> = {
  usernsMade: { answer: 'mapsWritten', reply: 'mapsWritten' },
  pidBorn: { answer: 'placed', reply: 'placed' },
  rootfsBuilt: { answer: 'hooksRun', reply: 'hooksRun' },
  seccompLoaded: { answer: 'taken', reply: 'taken' },
}

class Talk {
  pid = 0
  readonly weaker: Degradation[] = []
  console: number | undefined
  consoleName = ''
  #userns: number | undefined
  readonly #started: Talking
  readonly #plan: Plan
  readonly #options: LaunchOptions

  constructor(started: Talking, plan: Plan, options: LaunchOptions) {
    this.#started = started
    this.#plan = plan
    this.#options = options
  }

  /** Answers until `ready`, or until the program runs (undefined). */
  async untilReady(): Promise<Frame | undefined> {
    for (;;) {
      const frame = await this.#started.conversation.next()
      if (!frame || frame.message === 'ready') return frame
      if (frame.message === 'failed') throw this.explain(failureOf(frame))
      if (frame.message === 'pidBorn') this.#born(frame.a)
      if (frame.message === 'consoleOpened') this.#opened(frame)
      else if (frame.message === 'treeHeld') this.#map(frame)
      else if (frame.message === 'usernsHeld') this.#userns = frame.fd
      else if (frame.message === 'overlayRefused') await this.#serve(frame)
      else if (frame.message === 'weaker') this.weaker.push(...describeWeaker(this.#plan.ops[frame.a]))
      else await this.#answer(frame)
    }
  }

  explain(failure: Failure): RuntimeError {
    return explainFailure(failure, this.#plan.ops[failure.index], this.#options.host)
  }

  /** Said once, of a child of ours: a forged one would have us save, and later kill, somebody else. */
  #born(pid: number): void {
    // in another pid namespace's /proc a stranger may look like our child: kthreadd is process 2 as we may be
    if (!isOwnProc()) throw new RuntimeError('proc-foreign')
    if (this.pid !== 0 || readProcess(pid)?.parent !== process.pid)
      throw new RuntimeError('internal', { what: `init said a pid that is no child of ours: ${pid}` })
    this.pid = pid
    this.#options.onBorn?.(pid)
  }

  #opened({ fd, payload }: Frame): void {
    if (fd === undefined || this.console !== undefined)
      throw new RuntimeError('internal', { what: 'init opened a terminal and sent none, or a second one' })
    this.console = fd
    this.consoleName = payload.toString()
  }

  async #serve({ a: index, b: errno, fd: device }: Frame): Promise<void> {
    const op = this.#plan.ops[index]
    const userns = this.#userns
    this.#userns = undefined
    if (device === undefined || userns === undefined || op?.op !== 'overlay')
      throw new RuntimeError('internal', { what: 'init asked for a service without what it needs' })
    const { host } = this.#options
    await serveOverlay(op, { device, userns }, (plan, fds) =>
      launch(plan, { host, fds: [FD_NULL, FD_NULL, FD_NULL, ...fds] }),
    )
    this.weaker.push(describeService(op, errno))
    this.#started.conversation.say('overlayServed')
  }

  #map({ a: index, fd }: Frame): void {
    try {
      const errno = mapHeldTree(this.#plan.ops[index], { fd, pid: this.pid })
      if (errno !== undefined) throw this.explain({ index, errno, detail: '' })
      this.#started.conversation.say('treeMapped')
    } finally {
      if (fd !== undefined) closeSync(fd)
    }
  }

  async #answer({ message, fd }: Frame): Promise<void> {
    const known = replies[message]
    if (!known) throw new RuntimeError('internal', { what: `init said ${message} out of order` })
    const { answer, reply } = known
    try {
      const payload = await this.#options.answers?.[answer]?.(this.pid || this.#started.outer, fd ?? -1)
      if (this.#plan.ops.some((op) => op.op === 'wait' && op.message === messages[reply]))
        this.#started.conversation.say(reply, payload ?? '')
    } finally {
      if (fd !== undefined) closeSync(fd)
    }
  }
}

/**
 * Runs the plan up to `ready`. On any failure init and everything it made are gone when this rejects.
 * @throws RuntimeError of the op that failed, or `init-died`
 */
export async function launch(plan: Plan, options: LaunchOptions): Promise<Child> {
  const { outer, pipes, control } = spawnInit(plan, options.fds)
  const conversation = new BlockingConversation(control)
  const started = { outer, conversation }
  const talk = new Talk(started, plan, options)
  try {
    const ready = await talk.untilReady()
    waitNow(started.outer)
    if (!talk.pid) throw new RuntimeError('init-died', {})
    if (!ready && plan.ops.some((op) => op.op === 'say' && op.message === messages.ready))
      throw new RuntimeError('init-died', {})
  } catch (error) {
    if (talk.console !== undefined) closeSync(talk.console)
    abandon(started, talk)
    throw error
  }
  return {
    pid: talk.pid,
    weaker: talk.weaker,
    pipes,
    console: talk.console,
    consoleName: talk.consoleName,
    conversation,
    go: async (state = '') => {
      conversation.say('go', state)
      const frame = await conversation.next()
      conversation.close()
      if (frame?.message === 'failed') throw talk.explain(failureOf(frame))
    },
  }
}

/** Closing the conversation ends init at its next word; the kill is for one that is stuck in a system call. */
function abandon({ outer, conversation }: Talking, talk: Talk): void {
  killChild(outer)
  waitNow(outer)
  const pid = talk.pid || lastWordOf(conversation)
  conversation.close()
  if (pid === 0) return
  killChild(pid)
  waitNow(pid)
}

/** The outer process may have told of a birth that we had no time to hear of. */
function lastWordOf(conversation: BlockingConversation): number {
  for (;;) {
    const frame = conversation.nextWithin(0)
    if (frame === undefined || frame === 'timeout') return 0
    if (frame.fd !== undefined) closeSync(frame.fd)
    if (frame.message === 'pidBorn') return readProcess(frame.a)?.parent === process.pid ? frame.a : 0
  }
}
