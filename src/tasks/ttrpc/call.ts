/** What stands in frames: a call and its answer. */
import { status } from '../protobuf/google.ts'
import { message } from '../protobuf/message.ts'

export const request = message({
  service: [1, 'text'],
  method: [2, 'text'],
  payload: [3, 'bytes'],
  /** How long the caller will wait, in nanoseconds; 0 for ever. */
  timeoutNano: [4, 'signed'],
  metadata: [5, message({ key: [1, 'text'], value: [2, 'text'] }), 'many'],
})

export const response = message({ status: [1, status], payload: [2, 'bytes'] })

/** gRPC's codes, as far as shims and we use them. */
export const codes = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
} as const
export type CallCode = keyof typeof codes

export const codeName = (code: number): CallCode =>
  (Object.keys(codes) as CallCode[]).find((name) => codes[name] === code) ?? 'unknown'

/** A call that was answered with an error, or not at all (`unavailable`, `deadlineExceeded`). */
export class CallError extends Error {
  readonly code: CallCode

  constructor(code: CallCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CallError'
    this.code = code
  }
}
