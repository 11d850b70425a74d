/** Stock words of errors: cgroups. */
import type { CatalogueEntry } from './entry.ts'

export const cgroups = {
  'cgroup-refused': { what: 'unable to apply cgroup configuration' },
  'cgroup-used': {
    what: "container's cgroup is not empty",
    fix: 'end those processes, or give the container another cgroupsPath',
  },
  'ceiling-gone': {
    what: 'the cgroup of the ceiling is gone, or is another one now',
    why: 'somebody has removed it; one that is made anew would have no limits',
    fix: 'make another ceiling',
  },
  'cgroup-limit': { what: 'cannot set a limit of the cgroup' },
  'limit-unheld': {
    what: 'nothing enforces a limit that was asked for',
    fix: 'give the container a cgroup that can hold it, or remove the limit; without --strict it is recorded',
  },
  'cgroup-missing': { what: 'the container has no cgroup that could do this' },
  'watchdog-failed': {
    what: 'cannot watch over the limits of the container',
    fix: 'leave --enforce watchdog out, and give the container a cgroup or no limits',
  },
  'resources-invalid': { what: 'the resources are not valid' },
  'cgroup-place': { what: 'cannot move a process into the cgroup of the container' },
  'cgroup-busy': {
    what: 'the cgroup of the container cannot be removed',
    fix: 'end the processes that use it, then call again',
  },
  'rdt-missing': { what: 'Intel RDT is not enabled' },
  'rdt-refused': { what: 'cannot set up Intel RDT for the container' },
  'freeze-failed': { what: 'cannot freeze or thaw the container' },
  'systemd-missing': {
    what: 'systemd cgroup flag passed, but systemd support for managing cgroups is not available',
    why: 'this system was not booted with systemd',
    fix: 'leave --systemd-cgroup out (podman: --cgroup-manager cgroupfs; containerd: SystemdCgroup = false)',
  },

  'systemd-unreachable': { what: 'failed to connect to systemd' },
  'systemd-silent': {
    what: 'systemd does not answer',
    fix: 'look whether it hangs: systemctl is-system-running, or systemctl --user is-system-running',
  },
  'systemd-refused': { what: 'systemd refuses' },
  'systemd-unit': {
    what: 'a unit of that name exists already',
    fix: 'stop it (systemctl stop UNIT, or systemctl --user stop UNIT), or give the container another cgroupsPath',
  },
} as const satisfies Record<string, CatalogueEntry>
