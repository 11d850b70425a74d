/** Sources of binds that are opened before their turn, and id-mapped ones. */
import type { Attempt, Cause, Table } from './entry.ts'
import { refusals } from './refusal.ts'

const isSource = ({ detail }: Attempt<'holdSource'>): boolean => detail === 'source'
const isMapping = ({ detail }: Attempt<'holdSource'>): boolean => detail.startsWith('write ')

const mappingCauses: readonly Cause<'holdSource' | 'mapSource'>[] = [
  {
    errno: 'EINVAL',
    why: 'the file system of the source cannot map ids, or is mapped already',
    fix: 'remove idmap and the mappings from the mount, or use a source on ext4, xfs, btrfs or tmpfs',
  },
  {
    errno: 'EPERM',
    why: 'the file system of the source belongs to another user namespace, so we may not map its ids, or it is mapped already',
    fix: 'remove idmap and the mappings from the mount',
  },
  {
    errno: ['ENOSYS', 'EOPNOTSUPP'],
    why: ({ host }) =>
      `id-mapped mounts need mount_setattr of Linux 5.12, and this is ${host.kernel.release}; or a seccomp filter around us hides it`,
    fix: 'remove idmap and the mappings from the mount',
  },
]

export const explainSources: Table<'holdSource' | 'mapSource'> = {
  mapSource: {
    code: 'mount-failed',
    what: ({ op }) => `error mounting "${op.path}" of the container: cannot map its ids`,
    saysDetail: true,
    causes: [
      {
        errno: ['ENOENT', 'ENOTDIR'],
        code: 'mount-source-missing',
        why: 'nothing is there in the container at that moment',
        fix: 'list the mount that makes it first',
      },
      {
        errno: 'ELOOP',
        code: 'mount-symlink',
        why: 'the path leads through a symbolic link, and what the image points at must not become its own',
        fix: 'name the directory itself',
      },
      ...refusals,
      ...mappingCauses,
    ],
  },
  holdSource: {
    code: 'mount-failed',
    what: ({ op }) => `error mounting "${op.source}": cannot ${BigInt(op.mapped) === 0n ? 'open it' : 'map its ids'}`,
    saysDetail: true,
    causes: [
      {
        errno: 'ENOENT',
        when: isSource,
        code: 'mount-source-missing',
        why: ({ op }) => `nothing is at ${op.source}`,
        fix: ({ op }) => `mkdir -p ${op.source}, or remove the mount`,
      },
      {
        errno: ['EINVAL', 'EPERM', 'EACCES'],
        when: isMapping,
        code: 'map-refused',
        why: 'the kernel does not take the mappings of the mount: they overlap, or hold ids that are not ours to map',
        fix: 'correct uidMappings and gidMappings of the mount',
      },
      ...refusals,
      ...mappingCauses,
    ],
  },
}
