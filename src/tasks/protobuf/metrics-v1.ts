/** What a container used, as a shim of a cgroup v1 host tells it: metrics.proto of containerd/cgroups, cgroup1/stats. */
import { message } from './message.ts'

export const CGROUP1_METRICS = 'io.containerd.cgroups.v1.Metrics'

const hugetlbStat = message({
  usage: [1, 'number'],
  max: [2, 'number'],
  failcnt: [3, 'number'],
  pagesize: [4, 'text'],
})

const pidsStat = message({
  current: [1, 'number'],
  limit: [2, 'number'],
})

const cpuUsage = message({
  total: [1, 'number'],
  kernel: [2, 'number'],
  user: [3, 'number'],
  perCpu: [4, 'number', 'many'],
})

const throttle = message({
  periods: [1, 'number'],
  throttledPeriods: [2, 'number'],
  throttledTime: [3, 'number'],
})

const cpuStat = message({
  usage: [1, cpuUsage],
  throttling: [2, throttle],
})

const memoryEntry = message({
  limit: [1, 'number'],
  usage: [2, 'number'],
  max: [3, 'number'],
  failcnt: [4, 'number'],
})

const memoryStat = message({
  cache: [1, 'number'],
  rss: [2, 'number'],
  rssHuge: [3, 'number'],
  mappedFile: [4, 'number'],
  dirty: [5, 'number'],
  writeback: [6, 'number'],
  pgPgIn: [7, 'number'],
  pgPgOut: [8, 'number'],
  pgFault: [9, 'number'],
  pgMajFault: [10, 'number'],
  inactiveAnon: [11, 'number'],
  activeAnon: [12, 'number'],
  inactiveFile: [13, 'number'],
  activeFile: [14, 'number'],
  unevictable: [15, 'number'],
  hierarchicalMemoryLimit: [16, 'number'],
  hierarchicalSwapLimit: [17, 'number'],
  totalCache: [18, 'number'],
  totalRss: [19, 'number'],
  totalRssHuge: [20, 'number'],
  totalMappedFile: [21, 'number'],
  totalDirty: [22, 'number'],
  totalWriteback: [23, 'number'],
  totalPgPgIn: [24, 'number'],
  totalPgPgOut: [25, 'number'],
  totalPgFault: [26, 'number'],
  totalPgMajFault: [27, 'number'],
  totalInactiveAnon: [28, 'number'],
  totalActiveAnon: [29, 'number'],
  totalInactiveFile: [30, 'number'],
  totalActiveFile: [31, 'number'],
  totalUnevictable: [32, 'number'],
  usage: [33, memoryEntry],
  swap: [34, memoryEntry],
  kernel: [35, memoryEntry],
  kernelTcp: [36, memoryEntry],
})

const blkIOEntry = message({
  op: [1, 'text'],
  device: [2, 'text'],
  major: [3, 'number'],
  minor: [4, 'number'],
  value: [5, 'number'],
})

const blkIOStat = message({
  ioServiceBytesRecursive: [1, blkIOEntry, 'many'],
  ioServicedRecursive: [2, blkIOEntry, 'many'],
  ioQueuedRecursive: [3, blkIOEntry, 'many'],
  ioServiceTimeRecursive: [4, blkIOEntry, 'many'],
  ioWaitTimeRecursive: [5, blkIOEntry, 'many'],
  ioMergedRecursive: [6, blkIOEntry, 'many'],
  ioTimeRecursive: [7, blkIOEntry, 'many'],
  sectorsRecursive: [8, blkIOEntry, 'many'],
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

const cgroupStats = message({
  nrSleeping: [1, 'number'],
  nrRunning: [2, 'number'],
  nrStopped: [3, 'number'],
  nrUninterruptible: [4, 'number'],
  nrIoWait: [5, 'number'],
})

const memoryOomControl = message({
  oomKillDisable: [1, 'number'],
  underOom: [2, 'number'],
  oomKill: [3, 'number'],
})

export const cgroup1Metrics = message({
  hugetlb: [1, hugetlbStat, 'many'],
  pids: [2, pidsStat],
  cpu: [3, cpuStat],
  memory: [4, memoryStat],
  blkio: [5, blkIOStat],
  rdma: [6, rdmaStat],
  network: [7, networkStat, 'many'],
  cgroupStats: [8, cgroupStats],
  memoryOomControl: [9, memoryOomControl],
})
