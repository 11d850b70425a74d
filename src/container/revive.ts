/** What restore does up to the moment when the container goes on. */
import { closeSync } from 'node:fs'
import { join } from 'node:path'
import type { Dispose } from '../base/dispose.ts'
import { waitNow } from '../kernel/children.ts'
import { FD_NULL } from '../kernel/functions.ts'
import { launch } from '../launch/launch.ts'
import { rehearsal } from '../launch/rehearse.ts'
import { outsidePlaces } from '../linux/criu/external.ts'
import { checkForRestore, loadDescriptors, openMade, openSeenBy } from '../linux/criu/image.ts'
import type { CriuOptions } from '../linux/criu/messages.ts'
import { handedNamespaces, logFiles, restoreOptions } from '../linux/criu/options.ts'
import { type CriuProgram, planRestorer } from '../linux/criu/plan.ts'
import { cgroupRootsOf, inheritedStdio } from '../linux/criu/process.ts'
import { CriuFailure } from '../linux/criu/service.ts'
import { writeMaps } from '../linux/idmap/write.ts'
import { keyLabelOf } from '../linux/lsm/plan.ts'
import { openJoin } from '../linux/namespaces/open.ts'
import type { ContainerRecord } from '../state/record.ts'
import type { Context } from './context.ts'
import { closeAll, openAll } from './create.ts'
import { type Criu, demandFeatures, explainCriu, findCriu, outsideOf, startCriu } from './criu.ts'
import { TERMINAL_STDIO } from './foreground.ts'
import { checkTerminal, Handover } from './handover.ts'
import { notifyAddress, notifyDirectory } from './notify.ts'
import type { Prepared } from './prepare.ts'
import { prepareFor } from './prepare-for.ts'
import type { ReviveOptions } from './restore-options.ts'
import { Revival, type Revived } from './revival.ts'

/** Every step that leaves something behind is on `undo` before it acts; `ends` closes what only this needs. */
export async function revive(
  ctx: Context,
  options: ReviveOptions,
  { undo, ends }: { undo: Dispose; ends: Dispose },
): Promise<Revived> {
  checkForRestore(options.imagePath)
  const path = findCriu(ctx)
  const descriptors = loadDescriptors(options.imagePath)
  const prepared = await prepareRestored(ctx, options)
  const { terminal } = prepared.spec.process
  checkTerminal({ terminal, detached: options.detach ?? false, consoleSocket: options.consoleSocket })
  const revival = new Revival(ctx, { options, prepared, handover: new Handover(options, undo), undo })
  if (options.workPath !== undefined) closeSync(openMade(options.workPath, undo))
  const slot = await revival.reserve()
  const namespaces = handedNamespaces(prepared.spec).map((namespace) => {
    const fd = openJoin({ ...namespace, fd: -1, isTuned: false })
    ends.push(() => closeSync(fd))
    return { key: namespace.key, fd }
  })
  const fds = namespaces.map(({ fd }) => fd)
  const criu = await startRestorer(ctx, { path, options, revival, prepared, fds }, ends)
  await rehearse(ctx, prepared, slot.directory)
  demandFeatures(criu.service, { lazyPages: options.wishes.lazyPages })
  const inherited = [...inheritedStdio(descriptors), ...namespaces.map(({ key }, i) => ({ key, fd: 4 + i }))]
  const request = requestOf(ctx, { options, criu, record: revival.record, prepared, inherited }, ends)
  await serve(criu, { request, revival, options })
  return revival.finish(criu)
}

interface Starting {
  readonly path: string
  readonly options: ReviveOptions
  readonly revival: Revival
  readonly prepared: Prepared
  readonly fds: readonly number[]
}

function startRestorer(ctx: Context, starting: Starting, ends: Dispose): Promise<Criu> {
  const { path, options, revival, prepared, fds } = starting
  const place = {
    rootfs: prepared.bundle.rootfs,
    isPlaced: revival.isPlaced,
    newKeyring: true,
    keyLabel: keyLabelOf(prepared.spec, ctx.host),
  }
  const start = {
    path,
    plan: (program: CriuProgram) => planRestorer(program, place),
    stdio: prepared.spec.process.terminal ? TERMINAL_STDIO : options.stdio,
    fds,
    placed: (pid: number) => revival.place(pid),
  }
  return startCriu(ctx, start, ends)
}

interface Asking {
  readonly options: ReviveOptions
  readonly criu: Criu
  readonly record: ContainerRecord
  readonly prepared: Prepared
  readonly inherited: NonNullable<CriuOptions['inherited']>
}

function requestOf(ctx: Context, asking: Asking, ends: Dispose): CriuOptions {
  const { options, criu, record, prepared, inherited } = asking
  const open = (directory: string) => {
    const fd = openSeenBy(criu.pid, directory)
    ends.push(() => closeSync(fd))
    return fd
  }
  return restoreOptions(options.wishes, {
    spec: prepared.spec,
    rootfs: prepared.bundle.rootfs.path,
    directories: {
      images: open(options.imagePath),
      work: options.workPath === undefined ? undefined : open(options.workPath),
    },
    externalMounts: outsidePlaces(outsideOf(record, ctx)),
    cgroupRoots: record.cgroup.manager === 'none' ? undefined : cgroupRootsOf(criu.pid),
    inherited,
  })
}

interface Serving {
  readonly request: CriuOptions
  readonly revival: Revival
  readonly options: ReviveOptions
}

async function serve(criu: Criu, { request, revival, options }: Serving): Promise<void> {
  try {
    await criu.service.serve({ type: 'restore', options: request }, (notification) => revival.at(notification))
  } catch (error) {
    if (!(error instanceof CriuFailure)) throw error
    const log = { directory: options.workPath ?? options.imagePath, file: logFiles.restore }
    throw explainCriu(`cannot restore the container ${revival.record.id}`, log, error)
  }
  criu.wait()
}

/** With the same checks as create, before anything is made. */
function prepareRestored(ctx: Context, options: ReviveOptions): Promise<Prepared> {
  const notify = notifyAddress(ctx.host)
  return prepareFor(ctx, {
    ...options,
    notify: notify.address === undefined ? undefined : notifyDirectory(join(ctx.root, options.id)),
    keepFds: 0,
    listenFds: 0,
    gate: false,
    detached: options.detach ?? false,
  })
}

/** @throws RuntimeError of the op that failed */
async function rehearse(ctx: Context, prepared: Prepared, directory: string): Promise<void> {
  const fds = openAll({ stdio: [FD_NULL, FD_NULL, FD_NULL], gate: false }, { prepared, passed: [], directory })
  try {
    const child = await launch(rehearsal(prepared.plan), {
      host: ctx.host,
      fds: fds.all,
      answers: {
        mapsWritten: async (pid) => {
          if (prepared.maps) await writeMaps(pid, prepared.maps, ctx.host)
          return undefined
        },
      },
    })
    child.conversation.close()
    waitNow(child.pid)
  } finally {
    closeAll(fds.ours)
  }
}
