/** `usnea restore`: a container from an image of checkpoint; the union of runc's and crun's options. */
import { defineCommand } from '../command.ts'
import { given } from '../given.ts'
import { imageFlags, imageOptions } from './checkpoint.ts'

export const command = defineCommand({
  name: 'restore',
  usage: 'ID',
  summary: 'make a container from what checkpoint has saved, and let it go on',
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
  slow: ({ flags }) => (flags.detach ? 'restoring the container' : undefined),
  async run({ flags, args: [id = ''] }, session) {
    const { restore } = await import('../../container/restore.ts')
    const path = (text: string | undefined) => (text === undefined ? undefined : session.path(text))
    return await restore(await session.context(), id, {
      ...imageOptions(flags, session),
      bundle: session.path(flags.bundle ?? '.'),
      detach: flags.detach,
      noPivot: flags['no-pivot'],
      tcpClose: flags['tcp-close'],
      ...given({
        consoleSocket: path(flags['console-socket']),
        pidFile: path(flags['pid-file']),
        lsmProfile: flags['lsm-profile'],
        lsmMountContext: flags['lsm-mount-context'],
      }),
    })
  },
})
