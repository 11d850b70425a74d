/** An event as it is kept and handed out. */
import { isTaskTopic, type TaskEvent, type TaskTopic, unpackEvent } from '../protobuf/events.ts'
import { type Any, millisecondsOf, timestampOf } from '../protobuf/google.ts'

export interface Event {
  /** Counts the events of a namespace from 1: the order in which they happened, whatever the clock says. */
  readonly seq: number
  /** RFC 3339, UTC, by the clock of the machine when it happened. */
  readonly time: string
  readonly namespace: string
  readonly topic: string
  /** The fields of the event; `{ typeUrl, value }`, value in base64, where we do not know its type. */
  readonly event: Readonly<Record<string, unknown>>
}

/** What is told to the journal: it gives it its number. */
export type Happening = Omit<Event, 'seq' | 'namespace'>

export type TaskHappening<T extends TaskTopic = TaskTopic> = {
  readonly [N in T]: { readonly topic: N; readonly time: string; readonly event: Plain<TaskEvent<N>> }
}[T]

/** Times are text, so that a line of the journal can be read by people. */
export type Plain<T> = { readonly [K in keyof T]: K extends 'exitedAt' ? string | undefined : T[K] }

export function timeText(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}

/**
 * What a shim has published, of a topic that we know.
 * @throws NoMessage
 */
export function readHappening(topic: string, time: string, event: Any): TaskHappening | undefined {
  if (!isTaskTopic(topic)) return undefined
  const fields = unpackEvent(topic, event.value)
  if (!('exitedAt' in fields)) return { topic, time, event: fields } as TaskHappening
  const at = millisecondsOf(fields.exitedAt)
  return { topic, time, event: { ...fields, exitedAt: at === undefined ? undefined : timeText(at) } } as TaskHappening
}

export const exitedAtOf = (text: string | undefined) => (text === undefined ? undefined : timestampOf(Date.parse(text)))
