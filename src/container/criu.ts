/** What checkpoint and restore share: starting criu, asking it for more than one thing, and its failures in our words. */
import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import type { Dispose } from '../base/dispose.ts'
import { RuntimeError } from '../base/errors.ts'
import { findProgram } from '../host/program.ts'
import { killChild, waitNow } from '../kernel/children.ts'
import type { Plan } from '../kernel/plan.ts'
import { launch } from '../launch/launch.ts'
import { adviceOf } from '../linux/criu/advice.ts'
import type { Outside } from '../linux/criu/external.ts'
import { lastErrors } from '../linux/criu/log.ts'
import type { Features } from '../linux/criu/messages.ts'
import type { CriuProgram } from '../linux/criu/plan.ts'
import { CriuFailure, CriuService } from '../linux/criu/service.ts'
import { checkVersion } from '../linux/criu/wishes.ts'
import type { ContainerRecord } from '../state/record.ts'
import type { Context } from './context.ts'

/** Before anything is looked at. @throws RuntimeError `criu-privileges`, `criu-missing` */
export function findCriu({ host }: Context): string {
  if (!host.realRoot) throw new RuntimeError('criu-privileges')
  const path = findProgram('criu', host.env) ?? findProgram('criu', {})
  if (path === undefined) throw new RuntimeError('criu-missing')
  return path
}

export interface CriuStart {
  readonly path: string
  readonly plan: (program: CriuProgram) => Plan
  /** Descriptors 0, 1 and 2 of criu. */
  readonly stdio: readonly [number, number, number]
  /** What it has open behind the socket: from descriptor 4 on. */
  readonly fds?: readonly number[]
  /** For the cgroup that it enters first. */
  readonly placed?: (pid: number) => Promise<void>
}

export interface Criu {
  readonly pid: number
  /** Our ends of the pipes that were asked for. */
  readonly pipes: readonly number[]
  readonly service: CriuService
  /** Once it has done its work. */
  wait(): void
}

/** Gone with `undo` at the latest. @throws RuntimeError of an op that failed, `criu-old`, `criu-failed` */
export async function startCriu(ctx: Context, start: CriuStart, undo: Dispose): Promise<Criu> {
  const service = new CriuService()
  undo.push(() => service[Symbol.dispose]())
  const { path, stdio, fds = [], placed } = start
  const env = Object.entries(ctx.host.env).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]))
  const plan = start.plan({ path, env, fds: 1 + fds.length })
  const child = await launch(plan, {
    host: ctx.host,
    fds: [...stdio, service.theirs, ...fds],
    answers: { placed: async (pid) => void (await placed?.(pid)) },
  })
  let isOurs = true
  const wait = () => {
    if (isOurs) waitNow(child.pid)
    isOurs = false
  }
  undo.push(() => {
    if (isOurs) killChild(child.pid)
    wait()
  })
  child.conversation.close()
  service.closeTheirs()
  askVersion(service, path)
  return { pid: child.pid, pipes: child.pipes, service, wait }
}

function askVersion(service: CriuService, path: string): void {
  try {
    checkVersion(service.version())
  } catch (cause) {
    if (!(cause instanceof CriuFailure)) throw cause
    throw new RuntimeError('criu-failed', {
      what: `${path} does not answer`,
      details: cause.message === '' ? [] : [cause.message],
      fix: 'see whether it runs at all: criu check',
      cause,
    })
  }
}

const lacking = {
  memoryTracking: {
    what: 'this machine cannot tell dirty memory from clean, which --pre-dump and --parent-path need (feature mem_dirty_track)',
    why: 'the kernel is built without CONFIG_MEM_SOFT_DIRTY, or the processor has no such bit',
    fix: 'make a whole checkpoint, without --pre-dump and --parent-path',
  },
  lazyPages: {
    what: 'this machine cannot restore memory on demand, which --lazy-pages needs (feature uffd-noncoop)',
    why: 'the kernel is built without CONFIG_USERFAULTFD, or the criu without it',
    fix: 'leave --lazy-pages out',
  },
} as const

/** @throws RuntimeError `criu-feature`, `criu-failed` */
export function demandFeatures(service: CriuService, wanted: Features): void {
  const asked = Object.entries(wanted).filter(([, is]) => is) as [keyof Features, true][]
  if (asked.length === 0) return
  let found: Features
  try {
    found = service.features(wanted)
  } catch (cause) {
    const details = cause instanceof Error && cause.message !== '' ? [cause.message] : []
    const fix = 'criu check tells why; a newer criu may fit this kernel'
    throw new RuntimeError('criu-failed', { what: 'criu does not say what it can do here', details, fix, cause })
  }
  for (const [name] of asked) if (!found[name]) throw new RuntimeError('criu-feature', lacking[name])
}

/** What criu said, and what it wrote into its log. */
export function explainCriu(what: string, log: { directory: string; file: string }, cause: CriuFailure): RuntimeError {
  const path = join(log.directory, log.file)
  const lines = lastErrors(path)
  const said = lines.length > 0 ? lines : [cause.message].filter((text) => text !== '')
  // Its own start, which has nothing to do with the container.
  const isUnfit = said.some((line) => line.includes('when initializing kerndat'))
  const [advice, whole] = [adviceOf(said), `the whole story is in ${path}`]
  return new RuntimeError('criu-failed', {
    what,
    details: said,
    ...(isUnfit ? { why: 'this criu does not fit this kernel; a newer one may' } : {}),
    ...(cause.errno === undefined ? {} : { errno: cause.errno }),
    fix: advice ? `${advice}; ${whole}` : `${whole}; what this kernel lacks is told by: criu check --all`,
    cause,
  })
}

/** Where a container's mounts may come from. */
export const outsideOf = (record: ContainerRecord, { host }: Context): Outside => ({
  spec: record.spec,
  bundle: record.bundle,
  rootfs: record.rootfs,
  mounts: host.mounts,
  real: realPath,
  homes: record.cgroup.manager === 'none' ? [] : record.cgroup.homes,
})

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path)
  } catch {
    return undefined
  }
}
