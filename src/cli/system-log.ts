/** The journal of systemd and the classic system log, by the datagrams that their sockets take. */
import { RuntimeError } from '../base/errors.ts'
import type { LogRecord } from '../base/log.ts'
import { errnoName } from '../kernel/errno.ts'
import { native } from '../kernel/native.ts'
import type { LogChoice } from './globals.ts'

/** Paths of systemd-journald.service(8) and syslog(3). */
const sockets = { journald: '/run/systemd/journal/socket', syslog: '/dev/log' } as const
/** A reader that hangs must not hang us. */
const PATIENCE_MS = 5000
/** What fits a datagram with the usual limits of a socket; journald has longer ones handed over as files. */
const LONGEST_MESSAGE = 60_000

/** Throws `log-unwritable` when nobody listens there. What it gives throws it when the log went away. */
export function openSystemLog({ kind, identifier }: NonNullable<LogChoice['system']>): (record: LogRecord) => void {
  const path = sockets[kind]
  const fd = native().connectDatagram(path, PATIENCE_MS)
  if (fd < 0) {
    throw new RuntimeError('log-unwritable', {
      what: `the log ${kind}:${identifier} cannot be written: connect ${path}`,
      errno: errnoName(-fd),
      fix: 'log into a file: --log FILE',
    })
  }
  const format = kind === 'journald' ? formatJournal : formatSyslog
  return (record) => {
    const bytes = format(record, identifier)
    const sent = native().send(fd, bytes, bytes.length, new Int32Array(0), 0)
    if (sent < 0) throw new RuntimeError('log-unwritable', { what: `send to ${path}`, errno: errnoName(-sent) })
  }
}

/** Severities of syslog(3). */
const severities: Readonly<Record<string, number>> = { error: 3, warning: 4, info: 6, debug: 7 }
const severityOf = ({ level }: LogRecord): number => severities[level] ?? 6

/** systemd's native protocol: `NAME=value`, and a length before a value of several lines. */
export function formatJournal(record: LogRecord, identifier: string): Buffer {
  const text = Buffer.from(shorten(record.msg))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(text.length))
  const head = Buffer.from(`PRIORITY=${severityOf(record)}\nSYSLOG_IDENTIFIER=${identifier}\nMESSAGE\n`)
  return Buffer.concat([head, length, text, Buffer.from('\n')])
}

const LOG_USER = 1 << 3
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** As syslog(3) writes it: priority, local time, name and pid. On one line, for the readers split at line ends. */
export function formatSyslog(record: LogRecord, identifier: string): Buffer {
  const at = new Date(record.time)
  const two = (value: number) => String(value).padStart(2, '0')
  const day = `${months[at.getMonth()]} ${String(at.getDate()).padStart(2, ' ')}`
  const clock = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':')
  const text = shorten(record.msg).replace(/\s*\n\s*/g, ' ')
  return Buffer.from(`<${LOG_USER | severityOf(record)}>${day} ${clock} ${identifier}[${process.pid}]: ${text}`)
}

function shorten(text: string): string {
  return text.length > LONGEST_MESSAGE ? `${text.slice(0, LONGEST_MESSAGE)}…` : text
}
