/** Stock words of what the doctor finds and no verb fails with. */
import type { CatalogueEntry } from './entry.ts'

export const doctor = {
  'package-incomplete': {
    what: 'a file of this package is missing',
    why: 'the program was taken out of it',
    fix: 'install usnea as a package; the files lie in docs/profiles of it',
  },
  'cgroup-none': {
    what: 'no cgroup file system is mounted here',
    fix: 'mount it in the outer container (Docker, podman: --cgroupns private), or use --enforce watchdog',
  },
  'cgroup-readonly': {
    what: 'the cgroup file system is mounted read-only',
    why: 'engines mount it so',
    fix: 'podman: --security-opt unmask=/sys/fs/cgroup with --cgroupns private; Docker: run privileged, or use --enforce watchdog',
  },
  'cgroup-undelegated': {
    what: 'no cgroup with the controllers cpu, memory and pids is ours to write',
    why: 'v1 is never handed to users; of v2 systemd hands to its users what Delegate= names',
    fix: 'start usnea in a scope (systemd-run --user --scope -p Delegate=yes usnea …), or use --enforce watchdog',
  },
  'cgroup-controllers': {
    what: 'not all controllers are handed to your systemd',
    fix: 'give user@.service Delegate=cpu cpuset io memory pids: see docs/cgroups.md',
  },
  'keyring-refused': {
    what: 'a session keyring of its own is refused',
    why: 'a seccomp filter around us refuses keyctl, or the quota of keys is used up (kernel.keys.maxkeys, maxbytes; /proc/key-users)',
    fix: "sudo sysctl -w kernel.keys.maxkeys=2000 kernel.keys.maxbytes=200000, or go on: the caller's keyring is shared",
  },
  'landlock-missing': {
    what: 'there is no Landlock',
    why: 'the kernel is older than 5.13, its parameter lsm= leaves landlock out, or a filter around us hides it',
    fix: 'boot with landlock in lsm=; Docker before 23 needs a newer profile: usnea doctor --profile docker',
  },
  'subids-few': {
    what: 'there are fewer subordinate ids than images use',
    why: 'images use ids up to 65534 (nobody)',
  },
  'subids-shared': {
    what: 'somebody else has some of our subordinate ids too',
    why: 'whoever shares them can reach the files and processes of the containers',
  },
} as const satisfies Record<string, CatalogueEntry>
