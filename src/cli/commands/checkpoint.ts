/** `usnea checkpoint`: what a container is goes into files; the union of runc's and crun's options. */
import type { RawWishes } from '../../linux/criu/wishes.ts'
import { defineCommand } from '../command.ts'
import type { Flag, Values } from '../flags.ts'
import { given } from '../given.ts'
import type { Session } from '../session.ts'

/** What both verbs take. */
export const imageFlags = [
  { name: 'image-path', kind: 'text', value: 'DIR', help: 'directory of the image (./checkpoint)' },
  { name: 'work-path', kind: 'text', value: 'DIR', help: 'directory of the logs' },
  { name: 'tcp-established', kind: 'boolean', help: 'keep established TCP connections' },
  { name: 'ext-unix-sk', kind: 'boolean', help: 'allow unix sockets that lead outside' },
  { name: 'shell-job', kind: 'boolean', help: 'allow a terminal of somebody else' },
  { name: 'lazy-pages', kind: 'boolean', help: 'move memory later, on demand' },
  { name: 'file-locks', kind: 'boolean', help: 'keep file locks' },
  { name: 'manage-cgroups-mode', kind: 'text', value: 'MODE', help: 'soft, full, strict or ignore' },
  { name: 'empty-ns', kind: 'list', value: 'NAMESPACE', help: 'leave out what is in it (network: always)' },
  { name: 'auto-dedup', kind: 'boolean', help: 'drop pages that were read' },
  { name: 'network-lock', kind: 'text', value: 'METHOD', help: 'iptables, nftables or skip' },
] as const satisfies readonly Flag[]

export function imageOptions(
  flags: Values<typeof imageFlags>,
  session: Session,
): RawWishes & { imagePath: string; workPath?: string } {
  const workPath = flags['work-path']
  return {
    imagePath: session.path(flags['image-path'] ?? 'checkpoint'),
    tcpEstablished: flags['tcp-established'],
    extUnixSockets: flags['ext-unix-sk'],
    shellJob: flags['shell-job'],
    lazyPages: flags['lazy-pages'],
    fileLocks: flags['file-locks'],
    autoDedup: flags['auto-dedup'],
    emptyNamespaces: flags['empty-ns'],
    ...given({
      workPath: workPath === undefined ? undefined : session.path(workPath),
      manageCgroupsMode: flags['manage-cgroups-mode'],
      networkLock: flags['network-lock'],
    }),
  }
}

export const command = defineCommand({
  name: 'checkpoint',
  usage: 'ID',
  summary: 'save a running container to files, with criu',
  flags: [
    ...imageFlags,
    { name: 'parent-path', kind: 'text', value: 'DIR', help: 'an earlier image, relative to this one' },
    { name: 'leave-running', kind: 'boolean', help: 'let the container go on' },
    { name: 'tcp-skip-in-flight', kind: 'boolean', help: 'leave out connections that are being made' },
    { name: 'link-remap', kind: 'boolean', help: 'keep files that were removed' },
    { name: 'status-fd', kind: 'number', value: 'N', help: 'descriptor that is told when lazy pages are ready' },
    { name: 'page-server', kind: 'text', value: 'ADDRESS:PORT', help: 'where the memory goes' },
    { name: 'pre-dump', kind: 'boolean', help: 'save the memory only, and let the container go on' },
  ],
  count: [1, 1],
  slow: () => 'saving the container',
  async run({ flags, args: [id = ''] }, session) {
    const { checkpoint } = await import('../../container/checkpoint.ts')
    await checkpoint(await session.context(), id, {
      ...imageOptions(flags, session),
      leaveRunning: flags['leave-running'],
      preDump: flags['pre-dump'],
      tcpSkipInFlight: flags['tcp-skip-in-flight'],
      linkRemap: flags['link-remap'],
      ...given({
        parentPath: flags['parent-path'],
        pageServer: flags['page-server'],
        statusFd: flags['status-fd'],
      }),
    })
    return 0
  },
})
