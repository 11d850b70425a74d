/** Well-known messages of Google's: any.proto, timestamp.proto, empty.proto, and status.proto that ttrpc answers with. */
import { type GivenOf, type MessageOf, message } from './message.ts'

export const empty = message({})

/** `typeUrl` says what the bytes are; containerd puts JSON there too, for what is no message but a Go structure. */
export const any = message({ typeUrl: [1, 'text'], value: [2, 'bytes'] })
export type Any = MessageOf<typeof any>

/** Seconds since 1970, and nanoseconds of that second. */
export const timestamp = message({ seconds: [1, 'signed'], nanos: [2, 'signed'] })
export type Timestamp = MessageOf<typeof timestamp>

/** `code` is gRPC's. */
export const status = message({ code: [1, 'signed'], message: [2, 'text'], details: [3, any, 'many'] })

export function timestampOf(milliseconds: number): Timestamp {
  const seconds = Math.floor(milliseconds / 1000)
  return { seconds, nanos: Math.round((milliseconds - seconds * 1000) * 1e6) }
}

/** Milliseconds since 1970; undefined when it was not sent, or is Go's zero time (the year 1). */
export function millisecondsOf(value: GivenOf<typeof timestamp> | undefined): number | undefined {
  if (value?.seconds === undefined || value.seconds <= 0) return undefined
  return value.seconds * 1000 + (value.nanos ?? 0) / 1e6
}
