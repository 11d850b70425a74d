/** checkpoint: what a container is goes into files; then it ends, unless it is to go on. */
import { closeSync } from 'node:fs'
import { Dispose } from '../base/dispose.ts'
import { RuntimeError } from '../base/errors.ts'
import { processesOf, strangersTo } from '../host/process.ts'
import { FD_NULL } from '../kernel/functions.ts'
import { assertNotInterrupted, catchSignals, releaseSignals } from '../kernel/interruption.ts'
import { freezerPath } from '../linux/cgroups/freezer.ts'
import { outsideMounts, outsideNamespaces } from '../linux/criu/external.ts'
import { checkParent, invalidate, openForDump, openMade, openToGroup, saveDescriptors } from '../linux/criu/image.ts'
import { type DumpFacts, type DumpWishes, dumpOptions, logFiles } from '../linux/criu/options.ts'
import { planDumper } from '../linux/criu/plan.ts'
import { mountsOf, namespaceInode, stdioOf } from '../linux/criu/process.ts'
import { CriuFailure } from '../linux/criu/service.ts'
import { checkParentPath, type RawWishes, readPageServer, readWishes } from '../linux/criu/wishes.ts'
import { toOuter } from '../linux/idmap/ranges.ts'
import type { ContainerRecord } from '../state/record.ts'
import { openSlot } from '../state/store.ts'
import type { Context } from './context.ts'
import { demandFeatures, explainCriu, findCriu, outsideOf, startCriu } from './criu.ts'
import { destroy } from './delete.ts'
import { parseId } from './id.ts'
import { statusOf } from './oci-state.ts'
import { hasPrivatePids } from './process.ts'
import { StatusDescriptor } from './status-descriptor.ts'

export interface CheckpointOptions extends RawWishes {
  readonly imagePath: string
  /** For logs; the image's directory when absent. */
  readonly workPath?: string
  readonly parentPath?: string
  readonly leaveRunning?: boolean
  readonly preDump?: boolean
  readonly tcpSkipInFlight?: boolean
  readonly linkRemap?: boolean
  /** ADDRESS:PORT */
  readonly pageServer?: string
  /** Told with one NUL when lazy pages may be asked for. */
  readonly statusFd?: number
}

/**
 * A failed one leaves the container as it was, and no image.
 * @throws RuntimeError `usage`, `criu-privileges`, `criu-missing`, `criu-old`, `criu-feature`, `criu-failed`,
 * `image-unusable`, `container-missing`, `container-not-running`
 */
export async function checkpoint(ctx: Context, id: string, options: CheckpointOptions): Promise<void> {
  const name = parseId(id)
  const wishes = readDumpWishes(options)
  await using signals = new Dispose()
  signals.push(releaseSignals)
  catchSignals('all')
  const slot = await openSlot(ctx.root, name)
  try {
    const record = slot.load()
    if (!record) throw new RuntimeError('container-missing')
    assertRunning(record, ctx)
    const path = findCriu(ctx)
    const status = new StatusDescriptor(options.statusFd, ctx.host)
    if (options.parentPath !== undefined) checkParent(options.imagePath, options.parentPath)
    const strangers = strangersTo(record.pid, processesOf(record.pid, hasPrivatePids(record)))
    await dump({ ctx, record, path, wishes, options, status })
    if (strangers.length > 0 && !wishes.preDump)
      ctx.warn(`not in the image: processes that exec started: ${strangers.join(', ')}`)
    if (!wishes.leaveRunning && !wishes.preDump) await destroyDumped(ctx, () => destroy(slot, record, ctx))
  } finally {
    slot.unlock()
  }
}

function readDumpWishes(options: CheckpointOptions): DumpWishes {
  const { parentPath, pageServer } = options
  if (parentPath !== undefined) checkParentPath(parentPath)
  return {
    ...readWishes(options),
    leaveRunning: options.leaveRunning ?? false,
    preDump: options.preDump ?? false,
    tcpSkipInFlight: options.tcpSkipInFlight ?? false,
    linkRemap: options.linkRemap ?? false,
    ...(parentPath === undefined ? {} : { parentPath }),
    ...(pageServer === undefined ? {} : { pageServer: readPageServer(pageServer) }),
  }
}

function assertRunning(record: ContainerRecord, ctx: Context): void {
  const status = statusOf(record, ctx.host, ctx.root)
  // A paused one too: containerd pauses before it asks.
  if (status === 'running' || status === 'paused') return
  throw new RuntimeError('container-not-running', {
    what: `container not running: it cannot be checkpointed in ${status} state`,
  })
}

interface Dumping {
  readonly ctx: Context
  readonly record: ContainerRecord
  readonly path: string
  readonly wishes: DumpWishes
  readonly options: CheckpointOptions
  readonly status: StatusDescriptor
}

async function dump({ ctx, record, path, wishes, options, status }: Dumping): Promise<void> {
  await using undo = new Dispose()
  await using ends = new Dispose()
  const open = (fd: number) => {
    ends.push(() => closeSync(fd))
    return fd
  }
  const images = open(openForDump(options.imagePath, undo))
  const work = options.workPath === undefined ? undefined : open(openMade(options.workPath, undo))
  const criu = await startCriu(ctx, { path, plan: planDumper, stdio: [FD_NULL, FD_NULL, FD_NULL] }, ends)
  demandFeatures(criu.service, {
    memoryTracking: wishes.preDump || wishes.parentPath !== undefined,
    lazyPages: wishes.lazyPages,
  })
  const stdio = stdioOf(record.pid, wishes)
  const facts = { ...factsOf(record, ctx, stdio.external), directories: { images, work } }
  invalidate(options.imagePath)
  if (!wishes.preDump) saveDescriptors(options.imagePath, stdio.descriptors)
  const type = wishes.preDump ? 'preDump' : 'dump'
  try {
    await criu.service.serve({ type, options: dumpOptions(wishes, facts) }, async ({ moment }) => {
      ctx.log.debug(`criu: ${moment}`, 'checkpoint')
      // What comes once the image is whole comes too late.
      if (moment !== 'post-dump') assertNotInterrupted()
      if (moment === 'status-ready') status.tell()
    })
  } catch (error) {
    if (!(error instanceof CriuFailure)) throw error
    const log = { directory: options.workPath ?? options.imagePath, file: logFiles.dump }
    throw explainCriu(`cannot checkpoint the container ${record.id}`, log, error)
  }
  const gid = toOuter(record.maps?.gid ?? [], 0)
  if (gid !== undefined) openToGroup(options.imagePath, gid)
  undo.disarm()
}

function factsOf(record: ContainerRecord, ctx: Context, files: readonly string[]): Omit<DumpFacts, 'directories'> {
  const { spec, pid, rootfs, cgroup } = record
  return {
    spec,
    pid,
    rootfs,
    externalMounts: outsideMounts(outsideOf(record, ctx), mountsOf(pid)),
    external: [...outsideNamespaces(spec, (file) => namespaceInode(pid, file)), ...files],
    freezer: freezerPath(cgroup),
  }
}

/** The image is whole by then: what cannot be taken away is told, and waits for a delete. */
async function destroyDumped(ctx: Context, remove: () => Promise<void>): Promise<void> {
  try {
    await remove()
  } catch (error) {
    ctx.warn(error instanceof Error ? error.message : String(error))
  }
}
