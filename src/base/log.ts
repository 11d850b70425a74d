/**
 * The log of one invocation. Callers read the `--log` file: podman parses the whole of it as one JSON value, containerd
 * takes its last error line. So at the default level a failed invocation writes exactly one record, a successful one
 * none; pino is loaded only when more was asked for.
 */
import { openSync } from 'node:fs'
import { errnoOf, isRuntimeError, RuntimeError } from './errors.ts'
import { writeAll } from './files.ts'

export type LogFormat = 'text' | 'json'

/** From quiet to talkative. `error` is the default. */
export const logLevels = ['error', 'warning', 'info', 'debug'] as const
export type LogLevel = (typeof logLevels)[number]

/** What the rooms get. They throw instead of logging an error: `fail` belongs to the command line alone. */
export interface Logger {
  /** `func` says which part of us speaks, as callers know it from other runtimes' debug logs. */
  debug(message: string, func?: string): void
  info(message: string): void
  warn(message: string): void
  /** Recorded as a warning: the file may hold one error only, the one that ended the invocation. */
  error(message: string): void
}

export interface Log extends Logger {
  /**
   * Writes the one error of this invocation: to the log and plain to stderr, or as a log line to stderr. `bare` stands for
   * the whole line on a stderr that is no terminal, when there is no other log.
   */
  fail(message: string, bare?: string): void
}

export interface LogOptions {
  /** For verbs that only people call: errors on stderr as `usnea: message`. */
  readonly forPeople?: boolean
  /** Appended to; stderr when neither it nor `journal` is there. */
  readonly file?: string | undefined
  /** A system log that takes records instead of a file. Throws the system error. */
  readonly journal?: ((record: LogRecord) => void) | undefined
  readonly format: LogFormat
  readonly level: LogLevel
  readonly stderr: Stderr
}

/** Where a person may be reading. */
export interface Stderr {
  /** Never throws: nobody is left to tell when stderr itself is gone. */
  write(text: string): void
  readonly isTerminal: boolean
  readonly colour: boolean
}

/** One line of the log. Further fields of a record come after these three. */
export interface LogRecord {
  readonly level: string
  readonly msg: string
  /** RFC 3339, UTC, whole seconds. */
  readonly time: string
  readonly [field: string]: unknown
}

/** Throws `log-unwritable` when the file cannot be opened. */
export async function openLog(options: LogOptions): Promise<Log> {
  const fd = options.file === undefined ? undefined : openFile(options.file)
  const sink = new Sink(options, fd)
  const logger = options.level === 'error' ? silent : await openPino(options.level, (record) => sink.write(record))
  return { ...logger, fail: (message, bare) => sink.fail(message, bare) }
}

/** Opened by every invocation, as other runtimes do: a log that cannot be written is known before anything is made. */
function openFile(file: string): number {
  try {
    return openSync(file, 'as', 0o644)
  } catch (error) {
    throw unwritable(`open ${file}`, error)
  }
}

function unwritable(tried: string, cause: unknown): RuntimeError {
  const errno = errnoOf(cause)
  return new RuntimeError('log-unwritable', {
    what: `the log file cannot be written: ${tried}`,
    ...(errno === undefined ? {} : { errno }),
    cause,
  })
}

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }

async function openPino(level: LogLevel, write: (record: LogRecord) => void): Promise<Logger> {
  const { pino } = await import('pino')
  const logger = pino(
    {
      base: null,
      level: level === 'warning' ? 'warn' : level,
      timestamp: () => `,"time":"${now()}"`,
      formatters: { level: (label) => ({ level: label === 'warn' ? 'warning' : label }) },
    },
    { write: (line: string) => write(JSON.parse(line) as LogRecord) },
  )
  return {
    debug: (message, func) => logger.debug(func === undefined ? {} : { func }, message),
    info: (message) => logger.info(message),
    warn: (message) => logger.warn(message),
    error: (message) => logger.warn(message),
  }
}

/** Where records end up. Every write is done before the call returns. */
class Sink {
  readonly #options: LogOptions
  readonly #fd: number | undefined
  #broken = false

  constructor(options: LogOptions, fd: number | undefined) {
    this.#options = options
    this.#fd = fd
  }

  write(record: LogRecord): void {
    const { journal, format, stderr, file } = this.#options
    if (!this.#isElsewhere) {
      stderr.write(format === 'json' ? formatJson(record) : this.#formatStderr(record))
      return
    }
    if (this.#broken) return
    try {
      if (this.#fd === undefined) journal?.(record)
      else writeAll(this.#fd, format === 'json' ? formatJson(record) : formatText(record))
    } catch (error) {
      this.#broken = true
      const told = isRuntimeError(error) ? error : unwritable(`write ${file}`, error)
      stderr.write(`usnea: ${told.message}\n`)
    }
  }

  fail(message: string, bare?: string): void {
    const { forPeople, format, stderr } = this.#options
    if (this.#isElsewhere) {
      this.write({ level: 'error', msg: message, time: now() })
      stderr.write(`${printable(message)}\n`)
    } else if (forPeople && format === 'text') stderr.write(`usnea: ${printable(message)}\n`)
    else if (bare !== undefined && format === 'text' && !stderr.isTerminal) stderr.write(`${printable(bare)}\n`)
    else this.write({ level: 'error', msg: message, time: now() })
  }

  /** Does stderr get only the plain words? */
  get #isElsewhere(): boolean {
    return this.#fd !== undefined || this.#options.journal !== undefined
  }

  #formatStderr(record: LogRecord): string {
    const { isTerminal, colour } = this.#options.stderr
    return isTerminal ? formatTerminal(record, { seconds: process.uptime(), colour }) : formatText(record)
  }
}

function now(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, 'Z')
}

/** One line of JSON, keys in alphabetical order. */
export function formatJson(record: LogRecord): string {
  return `${JSON.stringify(record, Object.keys(record).sort())}\n`
}

/** logfmt: time, level and msg first, the message always in quotes. */
export function formatText(record: LogRecord): string {
  return `time="${record.time}" level=${record.level} msg=${quote(record.msg)}${formatFields(record)}\n`
}

/** For a person: `ERRO[0000] message`; the number counts seconds since our start. */
export function formatTerminal(record: LogRecord, options: { seconds: number; colour: boolean }): string {
  const label = record.level.slice(0, 4).toUpperCase()
  const colour = colours[record.level] ?? 37
  const shown = options.colour ? `\u001b[${colour}m${label}\u001b[0m` : label
  const seconds = String(Math.floor(options.seconds)).padStart(4, '0')
  return `${shown}[${seconds}] ${printable(record.msg)}${formatFields(record)}\n`
}

const colours: Readonly<Record<string, number>> = { error: 31, warning: 33, info: 36 }

function formatFields(record: LogRecord): string {
  const names = Object.keys(record).filter((name) => !['level', 'msg', 'time'].includes(name))
  return names
    .sort()
    .map((name) => ` ${name}=${quote(String(record[name]))}`)
    .join('')
}

const escapes: Readonly<Record<string, string>> = { '"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** A message may hold what a hook or an image says: nothing of it may steer the terminal. */
export function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

/** In double quotes, on one line, control characters escaped: a message may hold what a container's config says. */
function quote(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are the ones to escape.
  const escaped = text.replace(/["\\\u0000-\u001f\u007f-\u009f]/g, (character) => {
    return escapes[character] ?? `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
  return `"${escaped}"`
}
