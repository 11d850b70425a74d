/** The machines of `npm run test:vm`: what is on their disk, how they boot, and who runs which files in them. */
export type Who = 'root' | 'tester'

export interface Machine {
  readonly what: string
  /** Debian packages besides those of build.sh. */
  readonly packages: readonly string[]
  /** Words for the kernel. */
  readonly boot: readonly string[]
  readonly files: Readonly<Record<string, readonly Who[]>>
}

const both = ['root', 'tester'] as const

export const machines: Readonly<Record<string, Machine>> = {
  usual: {
    what: 'systemd, D-Bus, cgroup v2 alone, AppArmor',
    packages: [],
    boot: [],
    files: {
      'test/vm/apparmor.test.ts': ['root'],
      'test/vm/systemd.test.ts': both,
      'test/vm/resources.test.ts': both,
      'test/vm/sandbox.test.ts': both,
      'test/vm/shim.test.ts': ['root'],
    },
  },
  selinux: {
    what: 'SELinux in the place of AppArmor',
    packages: [],
    boot: ['security=selinux'],
    files: { 'test/vm/selinux.test.ts': ['root'] },
  },
  v1: {
    what: 'every controller in a tree of cgroup v1',
    packages: [],
    boot: ['systemd.unified_cgroup_hierarchy=0', 'systemd.legacy_systemd_cgroup_controller=1'],
    files: { 'test/vm/systemd-v1.test.ts': ['root'] },
  },
  hybrid: {
    what: 'controllers of cgroup v1 beside a tree of v2',
    packages: [],
    boot: ['systemd.unified_cgroup_hierarchy=0', 'systemd.legacy_systemd_cgroup_controller=0'],
    files: { 'test/vm/systemd-v1.test.ts': ['root'] },
  },
  podman: {
    what: 'podman on cgroup v2',
    // debootstrap finds nothing that is only provided: netavark is podman's container-network-stack.
    packages: ['podman', 'netavark', 'crun', 'runc', 'conmon', 'python3-minimal'],
    boot: [],
    files: { 'test/vm/podman.test.ts': both, 'test/vm/unshare.test.ts': ['tester'] },
  },
}

/** Those of a call without arguments. */
export const usualMachines = ['usual', 'selinux', 'v1', 'hybrid']
