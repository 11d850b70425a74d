/** `usnea restore`: every option of runc and crun is read, so that the answer is about the verb and not its options. */
import { defineCommand } from '../command.ts'
import { imageFlags } from './checkpoint.ts'
import { notBuilt } from './not-built.ts'

export const command = defineCommand({
  name: 'restore',
  usage: 'ID',
  summary: 'make a container from an image of checkpoint (not supported yet)',
  flags: [
    ...imageFlags,
    { name: 'bundle', short: 'b', kind: 'text', value: 'DIR', help: 'directory of the bundle (the current one)' },
    { name: 'console-socket', kind: 'text', value: 'PATH', help: 'unix socket that is sent the terminal' },
    { name: 'pid-file', kind: 'text', value: 'FILE', help: 'write the process id there' },
    { name: 'detach', short: 'd', kind: 'boolean', help: 'do not wait for the end' },
    { name: 'no-pivot', kind: 'boolean', help: 'do not use pivot_root: for a root on a ramdisk' },
    { name: 'tcp-close', kind: 'boolean', help: 'close established TCP connections' },
    { name: 'lsm-profile', kind: 'text', value: 'TYPE:NAME', help: 'another security profile' },
    { name: 'lsm-mount-context', kind: 'text', value: 'LABEL', help: 'another SELinux mount label' },
    { name: 'no-subreaper', kind: 'boolean', help: 'ignored', status: 'ignored' },
  ],
  count: [1, 1],
  run: () => notBuilt('restore'),
})
