/** A file system that fuse-overlayfs serves to a sandbox, for a command that is only tried. */
import { ANY, type Attempt, type Table } from './entry.ts'

const otherWay = 'choose another way: --backend copy'
const device = '/dev/fuse'
type Served = Attempt<'holdServed'>

const isDevice = ({ detail }: Served): boolean => detail === device
const isMount = ({ detail }: Served): boolean => detail === 'mount'

export const explainHeldServed: Table<'holdServed' | 'receive'> = {
  receive: { code: 'layer-backend', what: 'fuse-overlayfs got no device: its sandbox is gone', causes: [] },
  holdServed: {
    code: 'layer-backend',
    what: (attempt) => {
      if (isDevice(attempt)) return `cannot open ${device}`
      return isMount(attempt) ? 'cannot mount for fuse-overlayfs' : 'fuse-overlayfs does not serve a directory'
    },
    saysDetail: true,
    causes: [
      {
        errno: ['ENOENT', 'ENXIO', 'ENODEV'],
        when: isDevice,
        why: 'there is no such device here: the kernel module is not loaded, or this is a container without it',
        fix: `sudo modprobe fuse; for a container: --device ${device}; or ${otherWay}`,
      },
      {
        errno: ['EACCES', 'EPERM'],
        when: isDevice,
        why: 'your user may not open it, or the cgroup of the container does not allow it',
        fix: `sudo chmod 0666 ${device}; for a container: --device ${device}; or ${otherWay}`,
      },
      {
        errno: ['EPERM', 'EACCES'],
        when: isMount,
        why: 'the kernel mounts FUSE in user namespaces from 4.18 on only, or a security module forbids it',
        fix: otherWay,
      },
      {
        errno: 'EINVAL',
        when: isMount,
        why: `probably ${device} is another device`,
        fix: `ls -l ${device} shows 10, 229 for the right one; or ${otherWay}`,
      },
      {
        errno: ['ENODEV', 'ENOSYS'],
        when: isMount,
        why: 'the kernel has no FUSE, or is older than 5.2',
        fix: otherWay,
      },
      {
        errno: ANY,
        when: (attempt) => !isDevice(attempt) && !isMount(attempt),
        why: 'it ended before its first answer',
        fix: `see what it says, or ${otherWay}`,
      },
    ],
  },
}
