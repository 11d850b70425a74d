/** OCI exec: another process in a running container. */

import { Dispose } from '../base/dispose.ts'
import { RuntimeError } from '../base/errors.ts'
import { readProcess } from '../host/process.ts'
import { readUserNamespace, type UserNamespace } from '../host/userns.ts'
import { assertNotInterrupted, catchSignals, releaseSignals } from '../kernel/interruption.ts'
import type { Plan } from '../kernel/plan.ts'
import { compileJoin } from '../launch/join.ts'
import { type Answers, launch } from '../launch/launch.ts'
import { type ExecPlace, execPlace, placeExec } from '../linux/cgroups/exec-place.ts'
import { rootOf } from '../linux/idmap/ranges.ts'
import { checkProcessLabels, processLabelNotes } from '../linux/lsm/check.ts'
import type { Entrance } from '../linux/namespaces/open.ts'
import { availableCapabilities } from '../linux/process/capabilities.ts'
import type { IdLimits } from '../linux/process/check.ts'
import { keepsGroups } from '../linux/process/kept-groups.ts'
import { placeInRdt } from '../linux/rdt/manager.ts'
import { checkFilter } from '../linux/seccomp/check.ts'
import { needsSysAdmin, planFilter } from '../linux/seccomp/plan.ts'
import { withProcessLimit } from '../linux/watchdog/plan.ts'
import type { Process } from '../spec/types.ts'
import { loadRecord } from '../state/read-record.ts'
import type { ContainerRecord } from '../state/record.ts'
import { homeOf, refuse } from './bundle.ts'
import type { Context } from './context.ts'
import { preservedFds } from './descriptors.ts'
import { assertOwnRoot, entrancesOf, unlessStopped } from './entrances.ts'
import { type ExecProcessOptions, execProcess } from './exec-process.ts'
import { attend, FOREGROUND_STDIO, INHERITED_STDIO, TERMINAL_STDIO } from './foreground.ts'
import { checkTerminal, Handover, type SocketOptions } from './handover.ts'
import { parseId } from './id.ts'
import { assertIds } from './ids.ts'
import { statusOf } from './oci-state.ts'
import { assertPidFilePlace, writePidFile } from './pid-file.ts'
import { killProcess } from './process.ts'
import { SeccompAgent } from './seccomp-agent.ts'

export interface ExecOptions extends ExecProcessOptions, SocketOptions {
  readonly detach?: boolean
  readonly pidFile?: string
  readonly preserveFds?: number
  readonly cgroup?: readonly string[]
  readonly ignorePaused?: boolean
}

/** @returns the program's exit status, 0 when detached. @throws RuntimeError `exec-stopped`, `process-invalid`, or of an op */
export async function exec(ctx: Context, id: string, options: ExecOptions): Promise<number> {
  const record = loadRecord(ctx.root, parseId(id))
  const status = statusOf(record, ctx.host, ctx.root)
  if (status === 'stopped' || status === 'creating') throw new RuntimeError('exec-stopped')
  if (status === 'paused' && !options.ignorePaused) throw new RuntimeError('exec-paused')
  assertOwnRoot(record, 'exec')
  const place = placeOf(record, options.cgroup)
  assertPidFilePlace(options.pidFile)
  if (!record.spec.process) throw new RuntimeError('process-invalid')
  const process = withProcessLimit(execProcess(record.spec.process, options), record.standIn, ctx.host)
  refuse(checkProcessLabels(process, ctx.host, { origin: '', mayMiss: ctx.mayMiss }), 'error', 'process-invalid')
  const { detach: detached = false, consoleSocket } = options
  checkTerminal({ terminal: process.terminal, detached, consoleSocket })
  await using descriptors = new Dispose()
  const joins = entrancesOf(record, ctx, { verb: 'exec', descriptors })
  const users = readUserNamespace('/proc', record.pid)
  assertIds(process, limitsOf(users, record.spec), ctx.host)
  return await unlessStopped(record, ctx.host, enter(ctx, { record, process, joins, users, place, options }))
}

interface Entry {
  readonly record: ContainerRecord
  readonly process: Process
  readonly joins: readonly Entrance[]
  readonly users: UserNamespace
  readonly place: ExecPlace | undefined
  readonly options: ExecOptions
}

async function enter(ctx: Context, entry: Entry): Promise<number> {
  const { record, process, joins, options } = entry
  const preserved = preservedFds(ctx.host, options.preserveFds ?? 0, 0)
  await using undo = new Dispose()
  undo.push(releaseSignals)
  catchSignals(options.detach ? 'all' : 'ending')
  const handover = new Handover(options, undo)
  const agent = SeccompAgent.connect(record.spec, undo)
  const plan = planEntry(ctx, entry, preserved.length)
  const stdio = process.terminal ? TERMINAL_STDIO : options.detach ? INHERITED_STDIO : FOREGROUND_STDIO
  const child = await launch(plan, {
    host: ctx.host,
    fds: [...stdio, ...preserved, ...joins.map(({ fd }) => fd)],
    answers: answersOf(ctx, entry, agent),
  })
  ctx.log.debug(`process ${child.pid} is in the container, and waits for its program to begin`, 'exec')
  undo.push(() => killProcess(child.pid, readProcess(child.pid)?.startTime ?? '0'))
  handover.deliver(child, 'setns')
  if (options.pidFile !== undefined) writePidFile(options.pidFile, child.pid, undo)
  if (options.detach) {
    await child.go()
    assertNotInterrupted()
    undo.disarm()
    return 0
  }
  const status = await attend(child, { maps: record.maps, ...(ctx.again && { atEnd: [] }) })
  undo.disarm()
  return status
}

/** Tells what it cannot have. @throws RuntimeError `process-invalid` */
function planEntry(ctx: Context, entry: Entry, keepFds: number): Plan {
  const { record, process, joins, users, place, options } = entry
  const filter = planFilter(record.spec, { host: ctx.host, process, keepFds })
  const scene = processScene(record, process, { keepFds, users, ctx })
  const plan = compileJoin(process, {
    joins: joins.map(({ types }, i) => ({ types, fd: 3 + keepFds + i })),
    root: { uid: rootOf(users.uidMap), gid: rootOf(users.gidMap) },
    process: scene,
    isAttended: !options.detach,
    filter,
    isPlaced: place !== undefined || record.rdt !== undefined,
  })
  refuse(checkFilter(record.spec, { ...scene, host: ctx.host, process }), 'error', 'process-invalid')
  const unlabelled = processLabelNotes(process, ctx.host, { origin: '', mayMiss: ctx.mayMiss })
  for (const { message, pointer, loud } of [...unlabelled, ...plan.degradations])
    ctx.warn(`${message} (${pointer})`, loud)
  const entered = joins.flatMap(({ types }) => types).join(', ') || 'no namespace of its own'
  ctx.log.debug(`a plan of ${plan.ops.length} ops; joins of process ${record.pid}: ${entered}`, 'exec')
  for (const note of filter.notes) ctx.log.debug(note)
  return plan
}

const answersOf = ({ host }: Context, { record, place }: Entry, agent: SeccompAgent | undefined): Answers => ({
  placed: async (pid) => {
    if (place) await placeExec(place, { pid, init: record.pid, host })
    if (record.rdt) placeInRdt(record.rdt, pid)
    return undefined
  },
  taken: async (pid, listener) => {
    agent?.handOver({ record, status: 'running', pid, listener })
    return undefined
  },
})

function placeOf({ cgroup }: ContainerRecord, asked: readonly string[] = []): ExecPlace | undefined {
  if (cgroup.manager !== 'none') return execPlace(cgroup, asked)
  if (asked.length === 0) return undefined
  throw new RuntimeError('cgroup-missing', { what: 'exec --cgroup: the container has no cgroup', why: cgroup.reason })
}

/** As the container's own process has it: a user namespace that was joined has maps that nobody told us. */
const limitsOf = ({ uidMap, gidMap, setgroups }: UserNamespace, spec: ContainerRecord['spec']): IdLimits => ({
  uid: uidMap,
  gid: gidMap,
  maySetGroups: setgroups === 'allow',
  keepsGroups: keepsGroups(spec),
  origin: '',
})

interface Seat {
  readonly keepFds: number
  readonly users: UserNamespace
  readonly ctx: Context
}

const guardsDevices = ({ cgroup }: ContainerRecord): boolean => cgroup.manager !== 'none' && cgroup.guardsDevices

function processScene(record: ContainerRecord, process: Process, { keepFds, users, ctx }: Seat) {
  const owned = record.maps !== undefined || (record.spec.linux?.namespaces ?? []).some(({ type }) => type === 'user')
  const { host } = ctx
  return {
    host,
    linux: record.spec.linux ?? {},
    available: availableCapabilities(host, { ownsUserNamespace: owned, guardsDevices: guardsDevices(record) }),
    maySetGroups: users.setgroups === 'allow',
    keepsGroups: keepsGroups(record.spec),
    environment: { home: homeOf(record.rootfs, process.user?.uid ?? 0), listenFds: 0 },
    oomScoreAdj: host.oomScoreAdj,
    mayLowerOom: host.realRoot && !owned,
    keepFds,
    loadsFilter: needsSysAdmin(record.spec.linux?.seccomp, process),
    origin: '',
  }
}
