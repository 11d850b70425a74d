/** One finding of a pure check: a JSON pointer and a sentence. Rooms below `container` return these, never throw. */
export interface Issue {
  /** RFC 6901 pointer into config.json. */
  readonly pointer: string
  readonly message: string
  /** `unsupported`: valid by the specification, but not yet built here. Default is `error`. */
  readonly severity: 'error' | 'warning' | 'unsupported'
}

export const error = (pointer: string, message: string): Issue => ({ pointer, message, severity: 'error' })
export const warning = (pointer: string, message: string): Issue => ({ pointer, message, severity: 'warning' })
export const unsupported = (pointer: string, feature: string): Issue => ({
  pointer,
  message: `${feature} is not supported yet`,
  severity: 'unsupported',
})

/** Something that was asked for and is had only in a weaker form; recorded in the state and printed. */
export interface Degradation {
  readonly pointer: string
  readonly message: string
  /** Said on stderr also where other notes are not: callers wait for these words. */
  readonly loud?: boolean
}
