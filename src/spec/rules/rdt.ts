/** linux.intelRdt: names and lines that the kernel could not take, before anything is made. */
import { error, type Issue, warning } from '../../base/issue.ts'
import { quote } from '../quote.ts'
import type { Spec } from '../types.ts'
import { each, type Loose } from './loose.ts'

const at = '/linux/intelRdt'

/** What resctrl itself has in its root, beside the groups that are made there. */
const taken: ReadonlySet<string> = new Set(['info', 'mon_groups', 'mon_data'])

/** `/` is the class that everybody begins in. */
const isClass = (name: string): boolean =>
  name === '/' || (!/[/\0\n]/.test(name) && name !== '.' && name !== '..' && !taken.has(name) && name.length < 256)

/** `NAME:DOMAIN=VALUE;DOMAIN=VALUE`; the kernel takes blanks around each part. */
const shape = /^\s*[A-Z0-9]+:\s*\d+\s*=\s*[0-9a-fA-Fx]+\s*(;\s*\d+\s*=\s*[0-9a-fA-Fx]+\s*)*;?\s*$/

export function rdtIssues(spec: Loose<Spec>): Issue[] {
  const rdt = spec.linux?.intelRdt
  if (rdt === undefined) return []
  const { closID = '', l3CacheSchema: cache = '', memBwSchema: bandwidth = '' } = rdt
  const issues: Issue[] = []
  if (closID !== '' && !isClass(closID))
    issues.push(error(`${at}/closID`, `${quote(closID)} is not the name of a class of service: one name without /`))
  if (cache !== '' && !/^L3(CODE|DATA)?:/.test(cache))
    issues.push(error(`${at}/l3CacheSchema`, `${quote(cache)} does not begin with L3:`))
  if (cache.includes('\n')) issues.push(warning(`${at}/l3CacheSchema`, 'it should be a single line'))
  if (bandwidth !== '' && !bandwidth.startsWith('MB:'))
    issues.push(error(`${at}/memBwSchema`, `${quote(bandwidth)} does not begin with MB:`))
  return [
    ...issues,
    ...cache
      .split('\n')
      .filter(Boolean)
      .flatMap((line) => lineIssues(line, `${at}/l3CacheSchema`)),
    ...(bandwidth === '' ? [] : lineIssues(bandwidth, `${at}/memBwSchema`)),
    ...each(rdt.schemata, `${at}/schemata`).flatMap(([line, pointer]) => lineIssues(line, pointer)),
  ]
}

function lineIssues(line: string, pointer: string): Issue[] {
  if (line.includes('\n')) return [error(pointer, 'it must be a single line')]
  if (shape.test(line)) return []
  return [error(pointer, `${quote(line)} is no line of a schemata file, such as L3:0=ff;1=c0 or MB:0=20`)]
}
