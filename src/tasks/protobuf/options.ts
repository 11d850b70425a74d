/** Options that a shim takes in an Any: containerd's runc/options/oci.proto and runtimeoptions/v1/api.proto. */
import { message } from './message.ts'

export const RUNC_OPTIONS = 'containerd.runc.v1.Options'
export const runcOptions = message({
  noPivotRoot: [1, 'flag'],
  noNewKeyring: [2, 'flag'],
  shimCgroup: [3, 'text'],
  ioUid: [4, 'number'],
  ioGid: [5, 'number'],
  /** The OCI runtime's program. */
  binaryName: [6, 'text'],
  /** Where it keeps its state; shims append the namespace. */
  root: [7, 'text'],
  /** Until containerd 2.0. */
  criuPath: [8, 'text'],
  systemdCgroup: [9, 'flag'],
  criuImagePath: [10, 'text'],
  criuWorkPath: [11, 'text'],
  taskApiAddress: [12, 'text'],
  taskApiVersion: [13, 'number'],
})

export const CHECKPOINT_OPTIONS = 'containerd.runc.v1.CheckpointOptions'
export const checkpointOptions = message({
  exit: [1, 'flag'],
  openTcp: [2, 'flag'],
  externalUnixSockets: [3, 'flag'],
  terminal: [4, 'flag'],
  fileLocks: [5, 'flag'],
  emptyNamespaces: [6, 'text', 'many'],
  cgroupsMode: [7, 'text'],
  imagePath: [8, 'text'],
  workPath: [9, 'text'],
  parentPath: [10, 'text'],
})

/** What stands beside a pid, when the process is an exec. */
export const PROCESS_DETAILS = 'containerd.runc.v1.ProcessDetails'
export const processDetails = message({ execId: [1, 'text'] })

/** For shims that are not runc's. */
export const RUNTIME_OPTIONS = 'runtimeoptions.v1.Options'
export const runtimeOptions = message({ typeUrl: [1, 'text'], configPath: [2, 'text'], configBody: [3, 'bytes'] })

/** JSON of the OCI's runtime specification, by the names that containerd's typeurl gives it. */
export const OCI_PROCESS = 'types.containerd.io/opencontainers/runtime-spec/1/Process'
export const OCI_RESOURCES = 'types.containerd.io/opencontainers/runtime-spec/1/LinuxResources'
