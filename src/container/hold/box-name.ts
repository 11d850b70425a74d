/** Names of what is made for sandboxes: they say whose it is, so that what a killed program leaves behind can be swept. */
import { namespaceIdentity, readProcess } from '../../host/process.ts'

const PREFIX = 'usnea-box-'

/** The pid namespace, the pid, and when it began: all as numbers of base 36. */
function owner(pid: number, startTime: string): string {
  const namespace = /\d+/.exec(namespaceIdentity('self', 'pid') ?? '')?.[0] ?? '0'
  return [namespace, String(pid), startTime].map((number) => BigInt(number).toString(36)).join('-')
}

let ours: string | undefined

/** `name` is ours to choose, once. */
export function boxName(name: number | string): string {
  ours ??= owner(process.pid, readProcess(process.pid)?.startTime ?? '0')
  return `${PREFIX}${ours}-${name}`
}

/** Is it of a program of our pid namespace that has ended? Of others nobody can tell. */
export function isAbandoned(name: string): boolean {
  const [, namespace = '', pid = '', start = ''] = /^usnea-box-([0-9a-z]+)-([0-9a-z]+)-([0-9a-z]+)-/.exec(name) ?? []
  if (start === '') return false
  const found = readProcess(Number.parseInt(pid, 36))
  const [here = ''] = owner(1, '0').split('-')
  return namespace === here && BigInt(found?.startTime ?? 0).toString(36) !== start
}
