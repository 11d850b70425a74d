/** `usnea checkpoint`: every option of runc and crun is read, so that the answer is about the verb and not its options. */
import { defineCommand } from '../command.ts'
import type { Flag } from '../flags.ts'
import { notBuilt } from './not-built.ts'

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
  { name: 'empty-ns', kind: 'list', value: 'NAMESPACE', help: 'leave out what is in it (network)' },
  { name: 'auto-dedup', kind: 'boolean', help: 'drop pages that were read' },
  { name: 'network-lock', kind: 'text', value: 'METHOD', help: 'iptables, nftables or skip' },
] as const satisfies readonly Flag[]

export const command = defineCommand({
  name: 'checkpoint',
  usage: 'ID',
  summary: 'save a running container (not supported yet)',
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
  run: () => notBuilt('checkpoint'),
})
