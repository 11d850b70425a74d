/** Where a process of exec goes: the container's own cgroup, or one below it that was asked for. */
import { join } from 'node:path'
import { isRuntimeError, RuntimeError } from '../../base/errors.ts'
import type { Host } from '../../host/facts.ts'
import { readCgroupFile } from './files.ts'
import { placeProcess } from './manager.ts'
import type { Home, ManagedCgroup } from './record.ts'
import { attachToScope } from './scope.ts'
import { walkBelow } from './walk.ts'

export interface ExecPlace {
  readonly homes: readonly Pick<Home, 'path' | 'version'>[]
  /** Nothing was asked for: where the first process has moved to will do as well. */
  readonly mayFollow: boolean
  readonly record: ManagedCgroup
}

const invalid = (text: string): RuntimeError =>
  new RuntimeError('usage', { what: `invalid --cgroup argument: ${text}` })

/** `--cgroup PATH`, or `--cgroup CONTROLLER[,CONTROLLER]:PATH` for single trees of v1. @throws RuntimeError `usage` */
export function execPlace(record: ManagedCgroup, asked: readonly string[] = []): ExecPlace {
  const { homes } = record
  const paths = new Map<Home, string>()
  const seen = new Set<string>()
  for (const argument of asked) {
    const colon = argument.indexOf(':')
    const path = below(argument.slice(colon + 1))
    if (colon < 0 && asked.length > 1) throw invalid(`${argument} (missing <controller>: prefix)`)
    if (colon < 0) for (const home of homes) paths.set(home, path)
    for (const name of colon < 0 ? [] : argument.slice(0, colon).split(',')) {
      if (name === '') throw invalid(`${argument} (empty <controller> prefix)`)
      if (seen.has(name)) throw invalid(`controller ${name} specified multiple times`)
      seen.add(name)
      paths.set(homeNamed(homes, name), path)
    }
  }
  const placed = homes.map((home) => ({ version: home.version, path: join(home.path, paths.get(home) ?? '') }))
  return { homes: placed, mayFollow: asked.length === 0, record }
}

function homeNamed(homes: readonly Home[], name: string): Home {
  const found = homes.find(
    ({ version, controllers }) => version === 1 && (controllers.includes(name) || controllers.includes(`name=${name}`)),
  )
  if (found) return found
  throw new RuntimeError('usage', { what: `unknown controller ${name} in --cgroup` })
}

/** The kernel gives cgroup directories no links, so a path without `..` stays below. */
function below(path: string): string {
  if (path.split('/').includes('..') || path.includes('\0'))
    throw new RuntimeError('usage', { what: `bad sub cgroup path: ${path} is not below the cgroup of the container` })
  return path
}

/**
 * On v2 a cgroup that hands controllers down takes no processes any more; the first process has then moved to one below,
 * and so do we. @throws RuntimeError `cgroup-place`
 */
export async function placeExec({ homes, mayFollow, record }: ExecPlace, comer: Comer): Promise<void> {
  const { pid, init, host } = comer
  const place = async (path: string) => {
    try {
      await placeProcess([{ path }], pid)
    } catch (error) {
      if (record.manager !== 'systemd' || !isForbidden(error)) throw error
      await attachToScope(record, { path, pid, host })
    }
  }
  for (const { path, version } of homes) {
    try {
      await place(path)
    } catch (error) {
      const follow = version === 2 && mayFollow ? cgroupWith(path, init) : undefined
      if (follow === undefined) throw error
      await place(follow)
    }
  }
}

interface Comer {
  readonly pid: number
  /** The container's first process. */
  readonly init: number
  readonly host: Host
}

const isForbidden = (error: unknown): boolean =>
  isRuntimeError(error, 'cgroup-place') && ['EACCES', 'EPERM'].includes(error.errno ?? '')

function cgroupWith(directory: string, pid: number): string | undefined {
  let found: string | undefined
  walkBelow(directory, ({ at, path }) => {
    if (readCgroupFile(at, 'cgroup.procs')?.split('\n').includes(String(pid))) found = path()
  })
  return found
}
