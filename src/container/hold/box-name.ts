/** Names of what is made for sandboxes: they say whose it is, so that what a killed program leaves behind can be swept. */
import { errnoOf } from '../../base/errors.ts'
import { isOwnProc, namespaceIdentity, readProcess } from '../../host/process.ts'

const PREFIX = 'usnea-box-'
/** In place of what could not be read. */
const UNKNOWN = '0'

const base36 = (number: string): string => BigInt(number).toString(36)

const numberOf = (namespace: string): string =>
  base36(/\d+/.exec(namespaceIdentity('self', namespace) ?? '')?.[0] ?? UNKNOWN)

/** When it began; undefined where that cannot be read, or /proc shows somebody else under this number. */
function startOf(pid: number): string | undefined {
  const start = isOwnProc() ? readProcess(pid)?.startTime : undefined
  return start === undefined ? undefined : base36(start)
}

let ours: string | undefined

/**
 * `name` is ours to choose, once. Before it: the pid namespace, the pid, when it began, and the time namespace, because
 * what /proc says of the beginning is shifted by that of the reader (time_namespaces(7)): all as numbers of base 36.
 */
export function boxName(name: number | string): string {
  const start = startOf(process.pid) ?? UNKNOWN
  ours ??= [numberOf('pid'), process.pid.toString(36), start, numberOf('time')].join('-')
  return `${PREFIX}${ours}-${name}`
}

const SHAPE = /^usnea-box-([0-9a-z]+)-([0-9a-z]+)-([0-9a-z]+)-([0-9a-z]+)-/

/** Is it surely of a program of our pid namespace that has ended? Of others nobody can tell. */
export function isAbandoned(name: string): boolean {
  const [, namespace = UNKNOWN, pid = '', start = UNKNOWN, time = ''] = SHAPE.exec(name) ?? []
  if (namespace === UNKNOWN || namespace !== numberOf('pid')) return false
  const number = Number.parseInt(pid, 36)
  if (isNobody(number)) return true
  if (start === UNKNOWN || time !== numberOf('time')) return false
  const found = startOf(number)
  return found !== undefined && found !== start
}

/** kill(2): only ESRCH says that nobody has this number. */
function isNobody(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return false
  } catch (error) {
    return errnoOf(error) === 'ESRCH'
  }
}
