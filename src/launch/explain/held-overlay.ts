/** An overlay over a directory of the host, for a command that is only tried. */
import type { Table } from './entry.ts'

const otherWay = 'let usnea choose another way: --backend copy'

export const explainHeldOverlay: Table<'holdOverlay'> = {
  holdOverlay: {
    code: 'layer-backend',
    what: ({ op, detail }) => `cannot make an overlay over ${op.lower}${detail === '' ? '' : ` (${detail})`}`,
    saysDetail: true,
    causes: [
      {
        errno: 'ESTALE',
        why: 'a link stands in the way that was not there when the layer was made',
        fix: 'name the directory by its real path, and begin a new layer',
      },
      { errno: 'ENOENT', why: 'the directory is gone', fix: 'make it again, or usnea discard the layer' },
      {
        errno: 'ELOOP',
        why: 'the layer lies in the directory that it is for',
        fix: 'set XDG_STATE_HOME to a directory outside of it',
      },
      {
        errno: 'EPERM',
        why: 'the kernel gives overlays in user namespaces from 5.11 on only, or a security module forbids them',
        fix: otherWay,
      },
      {
        errno: 'EINVAL',
        why: 'probably something is mounted below the directory, or its file system or that of the layer cannot be part of an overlay',
        fix: otherWay,
      },
      {
        errno: ['ENODEV', 'ENOSYS'],
        why: 'the kernel has no overlay file system, or is older than 5.2',
        fix: otherWay,
      },
      { errno: 'EBUSY', why: 'another overlay uses the same layer', fix: 'wait for the other command to end' },
    ],
  },
}
