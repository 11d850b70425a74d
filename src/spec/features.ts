/** The answer of `usnea features`: what this build can do, whatever the machine allows. Runtime-spec 1.3, "Features Structure". */
import {
  capabilityNames,
  ENFORCE,
  hookNames,
  KEEP_GROUPS,
  memoryFlagNames,
  memoryModeNames,
  namespaceTypes,
} from './names.ts'
import { SPEC_VERSION } from './rules/version.ts'
import {
  hasWaitKillable,
  seccompActions,
  seccompArchitectures,
  seccompFlags,
  seccompOperators,
  WAIT_KILLABLE_RECV,
} from './seccomp-names.ts'

export interface FeatureFacts {
  /** Our own version. */
  readonly version: string
  /** The commit we were built from, when known. */
  readonly commit?: string
  /** Sorted names of the mount options that are understood, see `mountOptionNames`. */
  readonly mountOptions: readonly string[]
  /** The kernel that we run on: only what it takes is called supported. */
  readonly kernel: { readonly major: number; readonly minor: number }
}

/** Callers read `rro` in the mount options, and the `enabled` flags, to decide what they may ask for: never promise early. */
export function features({ version, commit, mountOptions, kernel }: FeatureFacts) {
  return {
    ociVersionMin: '1.0.0',
    ociVersionMax: SPEC_VERSION,
    hooks: hookNames,
    mountOptions,
    linux: {
      namespaces: namespaceTypes,
      capabilities: capabilityNames,
      cgroup: { v1: true, v2: true, systemd: true, systemdUser: true, rdma: true },
      seccomp: {
        enabled: true,
        actions: seccompActions,
        operators: seccompOperators,
        archs: seccompArchitectures,
        knownFlags: seccompFlags,
        supportedFlags: seccompFlags.filter((flag) => flag !== WAIT_KILLABLE_RECV || hasWaitKillable(kernel)),
      },
      apparmor: { enabled: true },
      selinux: { enabled: true },
      intelRdt: { enabled: true, schemata: true, monitoring: true },
      memoryPolicy: { modes: memoryModeNames, flags: memoryFlagNames },
      mountExtensions: { idmap: { enabled: true } },
      netDevices: { enabled: true },
    },
    annotations: {
      'dev.usnea.version': version,
      ...(commit === undefined ? {} : { 'dev.usnea.commit': commit }),
      'dev.usnea.checkpoint.enabled': 'true',
      // The one of runc's own names that says something of us; its version and libraries are not ours.
      'org.opencontainers.runc.checkpoint.enabled': 'true',
    },
    /** The file of criu has the last word about what criu does; properties of a unit are systemd's; groups open files. */
    potentiallyUnsafeConfigAnnotations: ['org.criu.config', 'org.systemd.property.', ENFORCE, KEEP_GROUPS],
  }
}

/** As it is printed: indented by four spaces, with a newline at the end. */
export function renderFeatures(facts: FeatureFacts): string {
  return `${JSON.stringify(features(facts), null, 4)}\n`
}
