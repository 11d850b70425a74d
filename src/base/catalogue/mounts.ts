/** Stock words of errors: mounts and the root. */
import type { CatalogueEntry } from './entry.ts'

export const mounts = {
  'proc-masked': {
    what: 'error mounting "proc"',
    why: 'the /proc around us is partly covered, and the kernel refuses a fresh one then',
    fix: 'uncover it (Docker: --security-opt systempaths=unconfined; podman: --security-opt unmask=ALL; Kubernetes: procMount: Unmasked), or join the outer pid namespace',
  },
  'proc-foreign': {
    what: '/proc does not show our own processes',
    why: 'it belongs to another pid namespace than ours',
    fix: 'mount one for it in the sandbox around us (bwrap: --proc /proc; unshare: --mount-proc)',
  },
  'sysfs-netns': {
    what: 'error mounting "sysfs"',
    why: 'a fresh sysfs needs a network namespace of its own',
    fix: 'add a network namespace, or bind /sys with the options rbind and rro',
  },
  'mount-locked': {
    what: 'a mount flag of the source is locked and cannot be cleared',
    fix: 'remove the option that clears it (dev, suid, exec, atime) from the mount',
  },
  'mount-source-missing': { what: 'the source of a bind mount does not exist', fix: 'create it, or remove the mount' },
  'mount-fs-refused': {
    what: 'the kernel refuses this file system type inside a user namespace',
    fix: 'mount it on the host and bind it',
  },
  'mount-failed': { what: 'a mount failed' },
  'mount-symlink': {
    what: 'must be mounted on ordinary directory',
    why: 'the image has a symbolic link there',
    fix: 'replace the link in the image by an empty directory',
  },
  'pivot-failed': { what: 'cannot change the root', fix: 'try --no-pivot' },
  'net-device': { what: 'a network device cannot be moved into the container' },
  'device-refused': {
    what: 'a device node cannot be made',
    why: 'device nodes cannot be made inside a user namespace, and the host has no such node to bind',
    fix: 'remove the device, or make the node on the host',
  },
} as const satisfies Record<string, CatalogueEntry>
