/** Nodes, links, files, covers and kernel parameters in the new root. */

import type { Host } from '../../host/facts.ts'
import { hasCapability } from '../../linux/idmap/powers.ts'
import { type Cause, inside, type Table } from './entry.ts'
import { refusals } from './refusal.ts'

type Names = 'mkdir' | 'symlink' | 'device' | 'deviceBind' | 'mask' | 'readonly' | 'protect' | 'deny' | 'sysctl'

const CAP_MKNOD = 27n

/** What can go wrong where something is made in the image. */
const makeCauses: readonly Cause<'mkdir' | 'symlink' | 'device'>[] = [
  {
    errno: 'EROFS',
    why: 'the directory around it is read-only',
    fix: ({ op }) => `make ${inside(op.path)} in the image, or mount a tmpfs around it`,
  },
  {
    errno: ['EACCES', 'EPERM'],
    why: 'probably the directory around it belongs to a user outside of the map',
    fix: ({ op }) => `make ${inside(op.path)} in the image, or map the owner of its directory`,
  },
  {
    errno: 'EEXIST',
    why: 'the image has something else there',
    fix: ({ op }) => `remove ${inside(op.path)} from the image`,
  },
]

/** inode(7) */
const nodeTypes = new Map([
  [0o020000, 'c'],
  [0o060000, 'b'],
  [0o010000, 'p'],
])

const nodeType = (type: bigint | number): string => nodeTypes.get(Number(type)) ?? '?'

interface Node {
  readonly type: bigint | number
  readonly major: bigint | number
  readonly minor: bigint | number
}

const nodeText = ({ type, major, minor }: Node): string => `${nodeType(type)} ${major}:${minor}`

function whyNoNode(host: Host): string {
  if (host.rootlessEuid || host.inUserNamespace) return 'device nodes cannot be made inside a user namespace'
  if (!hasCapability(host.capEffective, CAP_MKNOD)) return 'our process lacks CAP_MKNOD'
  return 'probably the container is in a user namespace, or the devices cgroup around us forbids it'
}

export const explainFiles: Table<Names> = {
  mkdir: {
    code: 'setup-failed',
    what: ({ op }) => `cannot make the directory ${inside(op.path)} in the root`,
    causes: makeCauses,
  },
  symlink: {
    code: 'setup-failed',
    what: ({ op }) => `cannot make the link ${inside(op.path)} to ${op.text} in the root`,
    causes: makeCauses,
  },
  device: {
    code: 'device-refused',
    what: ({ op }) => `cannot make the device ${inside(op.path)} (mknod ${nodeText(op)})`,
    causes: [
      {
        errno: 'EPERM',
        why: ({ host }) => whyNoNode(host),
        fix: 'remove the device from linux.devices, or bind the node of the host: {"type": "bind", "source": PATH, "destination": PATH, "options": ["bind"]}',
      },
      {
        errno: 'EINVAL',
        why: 'its owner is not mapped in the user namespace',
        fix: 'remove uid and gid from the device',
      },
      {
        errno: ['ESTALE', 'EEXIST'],
        why: 'the image has something else there',
        fix: ({ op }) => `remove ${inside(op.path)} from the image`,
      },
      ...makeCauses,
    ],
  },
  deviceBind: {
    code: 'device-refused',
    what: ({ op }) => `cannot bind the device ${op.source} (${nodeText(op)}) of the host to ${inside(op.path)}`,
    causes: [
      {
        errno: 'ENOENT',
        why: 'device nodes cannot be made inside a user namespace, and the host has no such node to bind',
        fix: ({ op }) => `sudo mknod ${op.source} ${nodeText(op).replace(':', ' ')} on the host, or remove the device`,
      },
      {
        errno: 'ENODEV',
        why: ({ op }) => `what the host has at ${op.source} is not the device ${nodeText(op)}`,
        fix: 'correct type, major and minor of the device; ls -l shows those of the host',
      },
      {
        errno: 'EACCES',
        why: 'probably a directory on the way to the node is closed to us',
        fix: 'chmod o+x it on the host, or remove the device',
      },
      ...refusals,
      {
        errno: 'EROFS',
        why: 'the target is missing in the image, and the root around it is read-only',
        fix: 'make the target in the image, or mount a tmpfs on /dev',
      },
    ],
  },
  mask: {
    code: 'setup-failed',
    what: ({ op }) => `cannot mask ${inside(op.path)}`,
    causes: [
      {
        errno: 'ENODEV',
        why: '/dev/null of the host is not the null device',
        fix: 'sudo rm /dev/null; sudo mknod -m 666 /dev/null c 1 3',
      },
      { errno: 'ENOENT', why: '/dev/null is missing on the host', fix: 'sudo mknod -m 666 /dev/null c 1 3' },
      ...refusals,
    ],
  },
  readonly: {
    code: 'setup-failed',
    what: ({ op }) => `cannot make ${inside(op.path)} read-only`,
    causes: [
      ...refusals,
      {
        errno: ['EPERM', 'EINVAL'],
        code: 'mount-locked',
        why: 'probably a mount below it is locked in the user namespace',
        fix: 'remove it from linux.readonlyPaths, or mask it',
      },
    ],
  },
  protect: {
    code: 'setup-failed',
    what: ({ op }) => `cannot protect ${inside(op.path)}`,
    causes: refusals,
  },
  deny: {
    code: 'setup-failed',
    what: ({ op }) => `cannot close ${inside(op.path)}`,
    causes: [
      { errno: 'ENOENT', why: 'it is gone since the sandbox was made', fix: 'make the sandbox again' },
      ...refusals,
    ],
  },
  sysctl: {
    code: 'setup-failed',
    what: ({ op }) => `cannot set the kernel parameter /proc/sys/${op.key} to "${op.value.trim()}"`,
    causes: [
      {
        errno: 'ENOENT',
        why: 'this kernel has no such parameter in the namespaces of the container',
        fix: 'correct the name; net.* needs {"type": "network"} in linux.namespaces',
      },
      {
        errno: ['EACCES', 'EPERM'],
        why: ({ op }) =>
          op.key.startsWith('net/')
            ? 'it belongs to the host, or the container has no network namespace of its own'
            : 'only root of the host may write it (ipc parameters: since Linux 5.19 also the owner of the ipc namespace)',
        fix: 'remove it from linux.sysctl, or set it on the host: sudo sysctl -w',
      },
      {
        errno: 'EROFS',
        why: '/proc/sys is read-only here, and a fresh proc is refused',
        fix: 'uncover /proc in the outer container (Docker: --security-opt systempaths=unconfined)',
      },
      {
        errno: ['EINVAL', 'ERANGE'],
        why: 'the kernel does not take the value; a group in it must be mapped in the user namespace',
        fix: 'correct the value',
      },
    ],
  },
}
