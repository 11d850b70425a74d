/** Many grants into few: directories rather than thousands of files in them, and nothing twice. Pure. */
import { isWithin } from '../policy.ts'
import { cautionOfGrant, dangerOfGrant, type Grant, type GrantRule } from './grant.ts'

export interface Sorted {
  readonly safe: readonly Grant[]
  readonly dangerous: readonly { readonly grant: Grant; readonly why: string }[]
}

/** Why a grant is dangerous. */
export type Judge = (grant: Grant, home: string | undefined) => string | undefined

const strictly: Judge = (grant, home) => dangerOfGrant(grant, home) ?? cautionOfGrant(grant)

/** Files of one directory that are named one by one; more than that are the directory. */
const MOST_BESIDE = 3

const isVersion = (name: string): boolean => /^v?\d+(\.\d+)+/.test(name)

/** Those that nobody should give without thinking stand aside, as they were asked for. */
export function sortGrants(grants: readonly Grant[], home: string | undefined, judge: Judge = strictly): Sorted {
  const once = [...new Map(grants.map((grant) => [`${grant.rule} ${grant.value}`, grant])).values()]
  const judged = once.map((grant) => ({ grant, why: judge(grant, home) }))
  const safe = judged.flatMap(({ grant, why }) => (why === undefined ? [grant] : []))
  const dangerous = judged.flatMap(({ grant, why }) => (why === undefined ? [] : [{ grant, why }]))
  return { safe: condense(safe, (grant) => judge(grant, home) === undefined, home), dangerous }
}

function condense(grants: readonly Grant[], isSafe: (grant: Grant) => boolean, home: string | undefined): Grant[] {
  const values = (rule: GrantRule) => grants.filter((grant) => grant.rule === rule).map(({ value }) => value)
  const mayHold = (rule: 'rw' | 'ro') => (directory: string) =>
    directory !== home && directory.split('/').length > 3 && isSafe({ rule, value: directory })
  const rw = condensePaths(values('rw'), mayHold('rw'))
  const ro = condensePaths(values('ro'), mayHold('ro')).filter((path) => !rw.some((place) => isWithin(path, place)))
  const others = grants.filter(({ rule }) => rule !== 'rw' && rule !== 'ro')
  return [
    ...rw.map((value): Grant => ({ rule: 'rw', value })),
    ...ro.map((value): Grant => ({ rule: 'ro', value })),
    ...others,
  ]
}

interface Branch {
  readonly children: Map<string, Branch>
  isMeant: boolean
}

/** `mayHold`: may the directory stand for what is in it? */
export function condensePaths(paths: readonly string[], mayHold: (directory: string) => boolean): string[] {
  const root: Branch = { children: new Map(), isMeant: false }
  for (const path of paths) {
    let at = root
    for (const name of path.split('/').filter((part) => part !== '')) {
      const next = at.children.get(name) ?? { children: new Map(), isMeant: false }
      at.children.set(name, next)
      at = next
    }
    at.isMeant = true
  }
  return collect(root, '', mayHold).sort()
}

function collect(branch: Branch, path: string, mayHold: (directory: string) => boolean): string[] {
  if (branch.isMeant) return [path === '' ? '/' : path]
  const below = [...branch.children].flatMap(([name, child]) => collect(child, `${path}/${name}`, mayHold))
  const isMany = below.length > MOST_BESIDE || [...branch.children.keys()].some(isVersion)
  return isMany && path !== '' && mayHold(path) ? [path] : below
}
