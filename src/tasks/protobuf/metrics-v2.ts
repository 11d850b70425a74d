/** What a container used, as a shim of a cgroup v2 host tells it: metrics.proto of containerd/cgroups, cgroup2/stats. */
import { message } from './message.ts'

export const CGROUP2_METRICS = 'io.containerd.cgroups.v2.Metrics'

const pidsStat = message({
  current: [1, 'number'],
  limit: [2, 'number'],
})

const psiData = message({
  avg10: [1, 'double'],
  avg60: [2, 'double'],
  avg300: [3, 'double'],
  total: [4, 'number'],
})

const psiStats = message({
  some: [1, psiData],
  full: [2, psiData],
})

const cpuStat = message({
  usageUsec: [1, 'number'],
  userUsec: [2, 'number'],
  systemUsec: [3, 'number'],
  nrPeriods: [4, 'number'],
  nrThrottled: [5, 'number'],
  throttledUsec: [6, 'number'],
  psi: [7, psiStats],
  nrBursts: [8, 'number'],
  burstUsec: [9, 'number'],
})

const memoryStat = message({
  anon: [1, 'number'],
  file: [2, 'number'],
  kernelStack: [3, 'number'],
  slab: [4, 'number'],
  sock: [5, 'number'],
  shmem: [6, 'number'],
  fileMapped: [7, 'number'],
  fileDirty: [8, 'number'],
  fileWriteback: [9, 'number'],
  anonThp: [10, 'number'],
  inactiveAnon: [11, 'number'],
  activeAnon: [12, 'number'],
  inactiveFile: [13, 'number'],
  activeFile: [14, 'number'],
  unevictable: [15, 'number'],
  slabReclaimable: [16, 'number'],
  slabUnreclaimable: [17, 'number'],
  pgfault: [18, 'number'],
  pgmajfault: [19, 'number'],
  workingsetRefault: [20, 'number'],
  workingsetActivate: [21, 'number'],
  workingsetNodereclaim: [22, 'number'],
  pgrefill: [23, 'number'],
  pgscan: [24, 'number'],
  pgsteal: [25, 'number'],
  pgactivate: [26, 'number'],
  pgdeactivate: [27, 'number'],
  pglazyfree: [28, 'number'],
  pglazyfreed: [29, 'number'],
  thpFaultAlloc: [30, 'number'],
  thpCollapseAlloc: [31, 'number'],
  usage: [32, 'number'],
  usageLimit: [33, 'number'],
  swapUsage: [34, 'number'],
  swapLimit: [35, 'number'],
  maxUsage: [36, 'number'],
  swapMaxUsage: [37, 'number'],
  psi: [38, psiStats],
})

const rdmaEntry = message({
  device: [1, 'text'],
  hcaHandles: [2, 'number'],
  hcaObjects: [3, 'number'],
})

const rdmaStat = message({
  current: [1, rdmaEntry, 'many'],
  limit: [2, rdmaEntry, 'many'],
})

const ioEntry = message({
  major: [1, 'number'],
  minor: [2, 'number'],
  rbytes: [3, 'number'],
  wbytes: [4, 'number'],
  rios: [5, 'number'],
  wios: [6, 'number'],
})

const ioStat = message({
  usage: [1, ioEntry, 'many'],
  psi: [2, psiStats],
})

const hugeTlbStat = message({
  current: [1, 'number'],
  max: [2, 'number'],
  pagesize: [3, 'text'],
  failcnt: [4, 'number'],
})

const memoryEvents = message({
  low: [1, 'number'],
  high: [2, 'number'],
  max: [3, 'number'],
  oom: [4, 'number'],
  oomKill: [5, 'number'],
  oomGroupKill: [6, 'number'],
})

const networkStat = message({
  name: [1, 'text'],
  rxBytes: [2, 'number'],
  rxPackets: [3, 'number'],
  rxErrors: [4, 'number'],
  rxDropped: [5, 'number'],
  txBytes: [6, 'number'],
  txPackets: [7, 'number'],
  txErrors: [8, 'number'],
  txDropped: [9, 'number'],
})

export const cgroup2Metrics = message({
  pids: [1, pidsStat],
  cpu: [2, cpuStat],
  memory: [4, memoryStat],
  rdma: [5, rdmaStat],
  io: [6, ioStat],
  hugetlb: [7, hugeTlbStat, 'many'],
  memoryEvents: [8, memoryEvents],
  network: [9, networkStat, 'many'],
})
