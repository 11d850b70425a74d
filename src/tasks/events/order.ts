/**
 * The order of one task's events, whoever tells them: its shim, a shim that repeats itself after an interruption, or we,
 * who know the same from the answers of calls. Pure: what is known goes in with what is told, and out comes what is to be
 * written down. Nothing is written twice, and nothing after what must follow it:
 * create < start < what happens to it and the exits of execs < exit < delete.
 */
import type { TaskHappening } from './event.ts'

export interface ExecFacts {
  readonly pid: number
  readonly isStarting: boolean
  readonly isStarted: boolean
  readonly hasExited: boolean
  /** Undefined also for one that never started. */
  readonly exit?: Exit
}

export interface Exit {
  readonly status: number
  /** RFC 3339. */
  readonly at: string
}

export interface TaskFacts {
  readonly id: string
  /** 0 while it is not known. */
  readonly pid: number
  readonly isCreated: boolean
  /** A call of Start is on its way: exits are held back until it is known what became of it. */
  readonly isStarting: boolean
  readonly isStarted: boolean
  readonly exit: Exit | undefined
  readonly isDeleted: boolean
  readonly execs: Readonly<Record<string, ExecFacts>>
  /** Told before it was their turn. */
  readonly held: readonly TaskHappening[]
}

export const newFacts = (id: string, pid = 0): TaskFacts => ({
  id,
  pid,
  isCreated: false,
  isStarting: false,
  isStarted: false,
  exit: undefined,
  isDeleted: false,
  execs: {},
  held: [],
})

export interface Admitted {
  readonly facts: TaskFacts
  readonly written: readonly TaskHappening[]
}

const nothing = (facts: TaskFacts): Admitted => ({ facts, written: [] })
const execOf = (facts: TaskFacts, id: string): ExecFacts | undefined =>
  Object.hasOwn(facts.execs, id) ? facts.execs[id] : undefined

function withExec(facts: TaskFacts, id: string, exec: Partial<ExecFacts>): TaskFacts {
  const before = execOf(facts, id) ?? { pid: 0, isStarting: false, isStarted: false, hasExited: false }
  return { ...facts, execs: { ...facts.execs, [id]: { ...before, ...exec } } }
}

export function admit(facts: TaskFacts, told: TaskHappening): Admitted {
  if (facts.isDeleted) return nothing(facts)
  switch (told.topic) {
    case '/tasks/create':
      return facts.isCreated || isOther(facts, told.event.pid)
        ? nothing(facts)
        : { facts: { ...facts, isCreated: true, pid: told.event.pid }, written: [told] }
    case '/tasks/start':
      return admitStart(facts, told)
    case '/tasks/exit':
      return told.event.id === '' || told.event.id === facts.id ? admitExit(facts, told) : admitExecExit(facts, told)
    case '/tasks/delete':
      return admitDelete(facts, told)
    case '/tasks/exec-added':
    case '/tasks/exec-started':
      return facts.exit === undefined ? admitExec(facts, told) : nothing(facts)
    // The kernel's word about memory may come after the end that it explains.
    case '/tasks/oom':
      return { facts, written: [told] }
    default:
      return facts.exit === undefined ? { facts, written: [told] } : nothing(facts)
  }
}

type Told<T extends TaskHappening['topic']> = TaskHappening<T>

function admitStart(facts: TaskFacts, told: Told<'/tasks/start'>): Admitted {
  if (facts.isStarted || facts.exit !== undefined || isOther(facts, told.event.pid)) return nothing(facts)
  // Of what is restored from a checkpoint the number is known from now on.
  const pid = facts.pid || told.event.pid
  return release({ facts: { ...facts, pid, isStarted: true, isStarting: false }, written: [told] })
}

/** Of a task of the same id that is gone. */
const isOther = (facts: TaskFacts, pid: number): boolean => facts.pid !== 0 && pid !== 0 && pid !== facts.pid

function admitExit(facts: TaskFacts, told: Told<'/tasks/exit'>): Admitted {
  if (facts.exit !== undefined || isOther(facts, told.event.pid)) return nothing(facts)
  if (facts.isStarting || runningExecs(facts).length > 0) return hold(facts, told)
  const exit = { status: told.event.exitStatus, at: told.event.exitedAt ?? told.time }
  return { facts: { ...facts, exit }, written: [told] }
}

function admitExecExit(facts: TaskFacts, told: Told<'/tasks/exit'>): Admitted {
  const exec = execOf(facts, told.event.id)
  if (facts.exit !== undefined || exec?.hasExited === true) return nothing(facts)
  if (exec?.isStarting === true) return hold(facts, told)
  const exit = { status: told.event.exitStatus, at: told.event.exitedAt ?? told.time }
  return release({ facts: withExec(facts, told.event.id, { hasExited: true, isStarted: true, exit }), written: [told] })
}

function admitExec(facts: TaskFacts, told: Told<'/tasks/exec-added' | '/tasks/exec-started'>): Admitted {
  const { execId } = told.event
  const exec = execOf(facts, execId)
  if (told.topic === '/tasks/exec-added') {
    // The name of one that has ended may be used again.
    if (exec !== undefined && !exec.hasExited) return nothing(facts)
    const fresh = { pid: 0, isStarting: false, isStarted: false, hasExited: false }
    return { facts: { ...facts, execs: { ...facts.execs, [execId]: fresh } }, written: [told] }
  }
  if (exec?.isStarted === true) return nothing(facts)
  return release({
    facts: withExec(facts, execId, { pid: told.event.pid, isStarted: true, isStarting: false }),
    written: [told],
  })
}

function admitDelete(facts: TaskFacts, told: Told<'/tasks/delete'>): Admitted {
  if (told.event.id !== '' && told.event.id !== facts.id) return nothing(facts)
  if (isOther(facts, told.event.pid)) return nothing(facts)
  const { pid, exitStatus, exitedAt = told.time } = told.event
  const forced = facts.held.filter((held) => held.topic === '/tasks/exit' && held.event.id !== facts.id)
  const exit: Told<'/tasks/exit'> = {
    topic: '/tasks/exit',
    time: told.time,
    event: { containerId: facts.id, id: facts.id, pid: pid || facts.pid, exitStatus, exitedAt },
  }
  const owed = facts.exit === undefined && facts.isStarted ? [...forced, ...unknownExits(facts, told), exit] : []
  const known = facts.exit ?? { status: exitStatus, at: exitedAt }
  return { facts: { ...facts, exit: known, isDeleted: true, held: [] }, written: [...owed, told] }
}

/** As of SIGKILL: containerd tells the same of what its shim did not live to tell. */
const KILLED = 137

/** Of execs whose end nobody told, because who knew it is dead. They went with their container. */
function unknownExits(facts: TaskFacts, { time, event }: Told<'/tasks/delete'>): Told<'/tasks/exit'>[] {
  const isHeld = (id: string) => facts.held.some((held) => held.topic === '/tasks/exit' && held.event.id === id)
  return Object.entries(facts.execs)
    .filter(([id, exec]) => exec.isStarted && !exec.hasExited && !isHeld(id))
    .map(([id, { pid }]) => ({
      topic: '/tasks/exit',
      time,
      event: { containerId: facts.id, id, pid, exitStatus: KILLED, exitedAt: event.exitedAt ?? time },
    }))
}

const hold = (facts: TaskFacts, told: TaskHappening): Admitted => {
  const isHeld = facts.held.some(
    (held) => held.topic === '/tasks/exit' && 'id' in told.event && held.event.id === told.event.id,
  )
  return nothing(isHeld ? facts : { ...facts, held: [...facts.held, told] })
}

/** What was held back because of what is written now. Exits of execs go before the exit of their container. */
function release({ facts, written }: Admitted): Admitted {
  const isLast = (told: TaskHappening) => told.topic === '/tasks/exit' && told.event.id === facts.id
  const waiting = [...facts.held].sort((a, b) => Number(isLast(a)) - Number(isLast(b)))
  let all: Admitted = { facts: { ...facts, held: [] }, written }
  for (const told of waiting) {
    const next = admit(all.facts, told)
    all = { facts: next.facts, written: [...all.written, ...next.written] }
  }
  return all
}

/** Execs whose exit must be told before that of their container. */
export const runningExecs = ({ execs }: TaskFacts): string[] =>
  Object.entries(execs)
    .filter(([, exec]) => (exec.isStarted || exec.isStarting) && !exec.hasExited)
    .map(([id]) => id)

/** A call of Start goes out. */
export function starting(facts: TaskFacts, execId: string): TaskFacts {
  if (execId !== '') return withExec(facts, execId, { isStarting: true })
  return { ...facts, isStarting: true }
}

/** It has failed: there will be no start, and an exit need not wait for one. */
export function notStarted(facts: TaskFacts, execId: string): Admitted {
  if (execId === '') return release({ facts: { ...facts, isStarting: false }, written: [] })
  return release({
    facts: withExec(facts, execId, { isStarting: false, isStarted: false, hasExited: true }),
    written: [],
  })
}
