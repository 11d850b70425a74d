import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { valueAt, without } from '../../../src/spec/pointer.ts'
import { unsupported } from '../../../src/spec/support.ts'
import { validate, validateProcess } from '../../../src/spec/validate.ts'
import { edited, findings, type Loosened, pointersOf, told } from './fixtures.ts'

type Edit = (document: Loosened) => void
type Case = readonly [behaviour: string, edit: Edit, ...expected: string[]]

const user = (d: Loosened) => d.linux.namespaces.findIndex((n: Loosened) => n.type === 'user')
const drop = (d: Loosened, type: string) => {
  d.linux.namespaces = d.linux.namespaces.filter((n: Loosened) => n.type !== type)
}
const ids = (...rows: [number, number, number][]) =>
  rows.map(([containerID, hostID, size]) => ({ containerID, hostID, size }))

function cases(subject: string, list: readonly Case[]): void {
  describe(subject, () => {
    for (const [behaviour, edit, ...expected] of list) {
      it(behaviour, () => assert.deepEqual(findings(edit), expected))
    }
  })
}

cases('version', [
  ['is required', (d) => delete d.ociVersion, 'error /ociVersion: the version of the specification is missing'],
  ['must be semver', (d) => (d.ociVersion = '1.0'), 'error /ociVersion: must be a version such as 1.3.0, found "1.0"'],
  [
    'may not have leading zeros',
    (d) => (d.ociVersion = '1.01.0'),
    'error /ociVersion: must be a version such as 1.3.0, found "1.01.0"',
  ],
  [
    'must be of major 1',
    (d) => (d.ociVersion = '2.0.0'),
    'error /ociVersion: only version 1 of the specification is known, found "2.0.0"',
  ],
  [
    'warns of a newer minor',
    (d) => (d.ociVersion = '1.4.0'),
    'warning /ociVersion: "1.4.0" is newer than 1.3.0; what it added is ignored',
  ],
  ['may be older, a pre-release, or have build data', (d) => (d.ociVersion = '1.0.2-rc.1+dev')],
  ['must be text', (d) => (d.ociVersion = 1), 'error /ociVersion: must be a string, found 1'],
])

cases('process', [
  [
    'may be missing, which is told',
    (d) => delete d.process,
    'warning /process: the configuration has no `process` section',
  ],
  [
    'is told once when it has the wrong shape',
    (d) => (d.process = []),
    'error /process: must be an object, found a list',
  ],
  ['needs a cwd', (d) => delete d.process.cwd, 'error /process/cwd: Cwd property must not be empty'],
  ['needs a cwd with content', (d) => (d.process.cwd = ''), 'error /process/cwd: Cwd property must not be empty'],
  [
    'needs an absolute cwd',
    (d) => (d.process.cwd = 'tmp'),
    'error /process/cwd: Cwd must be an absolute path, found "tmp"',
  ],
  ['needs args', (d) => delete d.process.args, 'error /process/args: args must not be empty'],
  ['needs at least one arg', (d) => (d.process.args = []), 'error /process/args: args must not be empty'],
  [
    'refuses args that are no list, once',
    (d) => (d.process.args = 'sh'),
    'error /process/args: must be a list, found "sh"',
  ],
  [
    'refuses one arg of the wrong type by its index',
    (d) => (d.process.args = ['a', 1]),
    'error /process/args/1: must be a string, found 1',
  ],
  ['refuses NUL bytes', (d) => (d.process.args = ['a\0b']), 'error /process/args/0: must not contain a NUL byte'],
  [
    'warns of an env entry without a name',
    (d) => (d.process.env = ['A=', '=b', 'c']),
    'warning /process/env/1: an entry should be NAME=value, found "=b"',
    'warning /process/env/2: an entry should be NAME=value, found "c"',
  ],
  ['may have no user', (d) => delete d.process.user],
  [
    'refuses the id that means "no change"',
    (d) => (d.process.user.uid = 2 ** 32 - 1),
    'error /process/user/uid: must be at most 4294967294, found 4294967295',
  ],
  [
    'refuses negative and broken ids',
    (d) => (d.process.user = { uid: -1, gid: 1.5 }),
    'error /process/user/uid: must be at least 0, found -1',
    'error /process/user/gid: must be a whole number, found 1.5',
  ],
  [
    'bounds the umask',
    (d) => (d.process.user.umask = 0o1000),
    'error /process/user/umask: must be at most 511, found 512',
  ],
  [
    'bounds the OOM score',
    (d) => (d.process.oomScoreAdj = -1001),
    'error /process/oomScoreAdj: must be at least -1000, found -1001',
  ],
  [
    'ignores unknown capabilities with a warning',
    (d) => (d.process.capabilities.ambient = ['CAP_KILL', 'CAP_FLY']),
    'warning /process/capabilities/ambient/1: the unknown capability "CAP_FLY" is ignored',
  ],
  [
    'refuses an unknown policy',
    (d) => (d.process.scheduler = { policy: 'FAST' }),
    'error /process/scheduler/policy: must be one of "SCHED_OTHER", "SCHED_FIFO", "SCHED_RR", "SCHED_BATCH", "SCHED_ISO", "SCHED_IDLE", "SCHED_DEADLINE", found "FAST"',
  ],
])

cases('scheduling', [
  [
    'takes a priority for real-time policies only',
    (d) => (d.process.scheduler = { policy: 'SCHED_BATCH', priority: 1 }),
    'error /process/scheduler/priority: scheduler.priority can only be specified for SchedFIFO or SchedRR policy',
  ],
  [
    'needs a priority for those',
    (d) => (d.process.scheduler = { policy: 'SCHED_RR' }),
    'error /process/scheduler/priority: SCHED_RR needs a priority from 1 to 99',
  ],
  [
    'takes times for SCHED_DEADLINE only',
    (d) => (d.process.scheduler = { policy: 'SCHED_OTHER', runtime: 1, deadline: 0 }),
    'error /process/scheduler/runtime: scheduler runtime/deadline/period can only be specified for SchedDeadline policy',
  ],
  [
    'warns of a nice value without effect',
    (d) => (d.process.scheduler = { policy: 'SCHED_IDLE', nice: 3 }),
    'warning /process/scheduler/nice: the kernel takes no nice value for SCHED_IDLE',
  ],
  [
    'refuses what is no list of CPUs',
    (d) => (d.process.execCPUAffinity = { initial: '3-1', final: '0,x' }),
    'error /process/execCPUAffinity/initial: must be a list of CPUs such as "0-3,7", found "3-1"',
    'error /process/execCPUAffinity/final: must be a list of CPUs such as "0-3,7", found "0,x"',
  ],
  ['takes lists of CPUs', (d) => (d.process.execCPUAffinity = { initial: '0-3,7', final: '' })],
])

cases('memory policy and personality', [
  [
    'need a mode',
    (d) => (d.linux.memoryPolicy = {}),
    'error /linux/memoryPolicy/mode: invalid memory policy mode: is missing',
  ],
  [
    'refuse unknown flags',
    (d) => (d.linux.memoryPolicy = { mode: 'MPOL_LOCAL', flags: ['x'] }),
    'error /linux/memoryPolicy/flags/0: invalid memory policy flag: must be one of "MPOL_F_NUMA_BALANCING", "MPOL_F_RELATIVE_NODES", "MPOL_F_STATIC_NODES", found "x"',
  ],
  [
    'count the nodes',
    (d) => (d.linux.memoryPolicy = { mode: 'MPOL_DEFAULT', nodes: '0-7' }),
    'error /linux/memoryPolicy/nodes: memory policy mode requires 0 nodes but got 8',
  ],
  [
    'need nodes for the modes that use them',
    (d) => (d.linux.memoryPolicy = { mode: 'MPOL_BIND' }),
    'error /linux/memoryPolicy/nodes: memory policy mode requires at least one node but got 0',
  ],
  [
    'refuse nodes that no kernel has',
    (d) => (d.linux.memoryPolicy = { mode: 'MPOL_BIND', nodes: '0-9876543210' }),
    'error /linux/memoryPolicy/nodes: invalid memory policy nodes: must be a list such as "0,2-3" up to 1023, found "0-9876543210"',
  ],
  ['take good ones', (d) => (d.linux.memoryPolicy = { mode: 'MPOL_PREFERRED', nodes: '', flags: [] })],
  [
    'refuse flags of a personality: there are none',
    (d) => (d.linux.personality = { domain: 'LINUX', flags: ['X'] }),
    'error /linux/personality/flags/0: the flag "X" does not exist: no personality flag is defined',
  ],
])

cases('rlimits', [
  [
    'refuse unknown names',
    (d) => (d.process.rlimits[0].type = 'RLIMIT_X'),
    'error /process/rlimits/0/type: wrong rlimit value: RLIMIT_X',
  ],
  [
    'refuse duplicates',
    (d) => d.process.rlimits.push(d.process.rlimits[0]),
    'error /process/rlimits/1/type: RLIMIT_NOFILE is given more than once',
  ],
  [
    'refuse a soft limit above the hard one',
    (d) => (d.process.rlimits[0].soft = 2000),
    'error /process/rlimits/0/soft: the soft limit 2000 is above the hard limit 1024',
  ],
  ['take the largest 64-bit number', (d) => (d.process.rlimits[0].hard = JSON.parse('18446744073709551615'))],
  [
    'refuse more',
    (d) => (d.process.rlimits[0].hard = 2 ** 65),
    'error /process/rlimits/0/hard: must be at most 18446744073709551615, found 36893488147419103000',
  ],
  [
    'need all three values',
    (d) => (d.process.rlimits = [{ type: 'RLIMIT_CPU' }]),
    'error /process/rlimits/0/soft: is missing',
    'error /process/rlimits/0/hard: is missing',
  ],
])

cases('root and covered paths', [
  ['need a root', (d) => delete d.root, 'error /root: the configuration has no `root` section'],
  ['need a path of the root', (d) => (d.root = {}), 'error /root/path: the path of the root must not be empty'],
  [
    'must be absolute',
    (d) => (d.linux.maskedPaths = ['/a', 'b']),
    'error /linux/maskedPaths/1: must be an absolute path, found "b"',
  ],
  [
    'need a mount namespace',
    (d) => drop(d, 'mount'),
    'error /linux/maskedPaths: paths can be covered only in a mount namespace, and none is listed',
    'error /linux/readonlyPaths: paths can be covered only in a mount namespace, and none is listed',
  ],
  ['know the kinds of propagation', (d) => (d.linux.rootfsPropagation = 'rslave')],
  [
    'refuse others',
    (d) => (d.linux.rootfsPropagation = 'none'),
    'error /linux/rootfsPropagation: must be one of "", "private", "rprivate", "shared", "rshared", "slave", "rslave", "unbindable", "runbindable", found "none"',
  ],
])

const withDevices = (d: Loosened, devices: object) => {
  d.linux.namespaces.push({ type: 'network' })
  d.linux.netDevices = devices
}

/** The rules that the specification's own samples try. */
cases('samples', [
  [
    'take sizes of huge pages in the units of the kernel',
    (d) => (d.linux.resources = { hugepageLimits: ['64KB', '2MB', '1GB'].map((pageSize) => ({ pageSize, limit: 0 })) }),
  ],
  [
    'refuse other units and numbers',
    (d) =>
      (d.linux.resources = {
        hugepageLimits: ['64kB', '0MB', '2M', '../2MB'].map((pageSize) => ({ pageSize, limit: 0 })),
      }),
    ...['64kB', '0MB', '2M', '../2MB'].map(
      (size, i) =>
        `error /linux/resources/hugepageLimits/${i}/pageSize: must match ^[1-9][0-9]*[KMG]B$, found "${size}"`,
    ),
  ],
  [
    'need a size and a limit',
    (d) => (d.linux.resources = { hugepageLimits: [{}] }),
    'error /linux/resources/hugepageLimits/0/pageSize: is missing',
    'error /linux/resources/hugepageLimits/0/limit: is missing',
  ],
  [
    'take limits of devices for remote memory',
    (d) => (d.linux.resources = { rdma: { hfi1: { hcaHandles: 0, hcaObjects: 4294967295 }, qib0: { hcaObjects: 7 } } }),
  ],
  [
    'refuse limits of another type or size',
    (d) => (d.linux.resources = { rdma: { hfi1: { hcaHandles: '9', hcaObjects: 4294967296 } } }),
    'error /linux/resources/rdma/hfi1/hcaHandles: must be a whole number, found "9"',
    'error /linux/resources/rdma/hfi1/hcaObjects: must be at most 4294967295, found 4294967296',
  ],
  ['take network devices with a name and without', (d) => withDevices(d, { wan0: { name: 'lan' }, dmz1: {} })],
  [
    'refuse a name that is none',
    (d) => withDevices(d, { wan0: { name: 17 } }),
    'error /linux/netDevices/wan0/name: must be a string, found 17',
  ],
  [
    'take a section for FreeBSD, which is without effect',
    (d) => (d.freebsd = { jail: { vnet: 'inherit', host: 'new', ip4: 'disable', ip6: 'new', other: 1 }, devices: [] }),
  ],
  [
    'refuse words in it that mean nothing',
    (d) => (d.freebsd = { jail: { vnet: 'disable', ip4: 'off' } }),
    'error /freebsd/jail/vnet: must be one of "new", "inherit", found "disable"',
    'error /freebsd/jail/ip4: must be one of "disable", "new", "inherit", found "off"',
  ],
])

cases('namespaces', [
  [
    'refuse duplicates',
    (d) => d.linux.namespaces.push({ type: 'pid' }),
    'error /linux/namespaces/6: malformed spec file: duplicated ns "pid"',
  ],
  [
    'refuse unknown types',
    (d) => d.linux.namespaces.push({ type: 'net' }),
    'error /linux/namespaces/6/type: namespace "net" does not exist',
  ],
  ['need a type', (d) => d.linux.namespaces.push({}), 'error /linux/namespaces/6/type: is missing'],
  [
    'need absolute paths',
    (d) => (d.linux.namespaces[0].path = 'proc/1/ns/pid'),
    'error /linux/namespaces/0/path: must be an absolute path, found "proc/1/ns/pid"',
  ],
  ['take an empty path as none', (d) => (d.linux.namespaces[0].path = '')],
  [
    'are needed for the host name',
    (d) => {
      drop(d, 'uts')
      d.domainname = 'x'
    },
    'error /hostname: a hostname can be set only in a uts namespace, and none is listed',
    'error /domainname: a domainname can be set only in a uts namespace, and none is listed',
  ],
  [
    'allow a host name in a joined one',
    (d) => (d.linux.namespaces.find((n: Loosened) => n.type === 'uts').path = '/x'),
  ],
  [
    'bound the host name by bytes',
    (d) => (d.hostname = 'ä'.repeat(33)),
    'error /hostname: must not be longer than 64 bytes',
  ],
  [
    'are needed for clock offsets',
    (d) => (d.linux.timeOffsets = { monotonic: { secs: 1 } }),
    'error /linux/timeOffsets: clock offsets need a time namespace, and none is listed',
  ],
  [
    'must be new for clock offsets',
    (d) => {
      d.linux.namespaces.push({ type: 'time', path: '/x' })
      d.linux.timeOffsets = { boottime: {} }
    },
    'error /linux/timeOffsets: clock offsets cannot be set in a time namespace that is joined',
  ],
  [
    'know two clocks',
    (d) => {
      d.linux.namespaces.push({ type: 'time' })
      d.linux.timeOffsets = { boottime: { secs: -5, nanosecs: 1e9 }, wall: {} }
    },
    'error /linux/timeOffsets/boottime/nanosecs: must be less than one second',
    'error /linux/timeOffsets/wall: clock "wall" does not exist; the clocks are monotonic and boottime',
  ],
])

cases('id mappings', [
  [
    'refuse size 0',
    (d) => (d.linux.uidMappings = ids([0, 1000, 0])),
    'error /linux/uidMappings/0/size: must be at least 1',
  ],
  ['may end at the last id', (d) => (d.linux.uidMappings = ids([0, 0, 2 ** 32 - 1]))],
  [
    'may not wrap',
    (d) => (d.linux.uidMappings = ids([1, 0, 2 ** 32 - 1])),
    'error /linux/uidMappings/0/containerID: the range 1 to 4294967295 goes past the last id, 4294967294',
  ],
  [
    'may not overlap inside',
    (d) => (d.linux.gidMappings = ids([5, 100, 5], [0, 200, 6])),
    'error /linux/gidMappings/0/containerID: the range 5 to 9 overlaps 0 to 5 at /linux/gidMappings/1/containerID',
  ],
  [
    'may not overlap outside',
    (d) => (d.linux.gidMappings = ids([0, 100, 5], [5, 104, 1])),
    'error /linux/gidMappings/1/hostID: the range 104 to 104 overlaps 100 to 104 at /linux/gidMappings/0/hostID',
  ],
  ['may touch', (d) => (d.linux.gidMappings = ids([0, 100, 5], [5, 105, 1]))],
  [
    'need a user namespace',
    (d) => drop(d, 'user'),
    'error /linux/uidMappings: id mappings need a user namespace, and none is listed',
    'error /linux/gidMappings: id mappings need a user namespace, and none is listed',
  ],
  [
    'are ignored for a joined one',
    (d) => (d.linux.namespaces[user(d)].path = '/proc/1/ns/user'),
    'warning /linux/uidMappings: ignored: a user namespace that is joined has its own mappings',
    'warning /linux/gidMappings: ignored: a user namespace that is joined has its own mappings',
  ],
  [
    'are checked on mounts too',
    (d) => Object.assign(d.mounts[0], { type: 'bind', uidMappings: ids([0, 0, 0]), gidMappings: ids([0, 0, 1]) }),
    'error /mounts/0/uidMappings/0/size: must be at least 1',
  ],
])

cases('id-mapped mounts', [
  [
    'need both maps, and a bind',
    (d) => (d.mounts[0].uidMappings = ids([0, 0, 1])),
    'error /mounts/0: an id-mapped mount needs both uidMappings and gidMappings',
    'error /mounts/0: only a bind mount can be id-mapped',
  ],
  [
    'may have the maps of the user namespace',
    (d) => d.mounts.push({ destination: '/x', source: '/y', options: ['rbind', 'ridmap'] }),
  ],
  [
    'need maps of their own without one',
    (d) => {
      drop(d, 'user')
      delete d.linux.uidMappings
      delete d.linux.gidMappings
      d.mounts.push({ destination: '/x', source: '/y', options: ['bind', 'idmap'] })
    },
    'error /mounts/7: an id-mapped mount needs mappings of its own where the container has no user namespace',
  ],
])

cases('mounts', [
  [
    'need a destination',
    (d) => d.mounts.push({ type: 'tmpfs' }),
    'error /mounts/7/destination: a mount needs a destination',
  ],
  [
    'need a destination with content',
    (d) => (d.mounts[0].destination = ''),
    'error /mounts/0/destination: a mount needs a destination',
  ],
  [
    'warn of a relative destination',
    (d) => (d.mounts[0].destination = 'proc'),
    'warning /mounts/0/destination: a relative destination is deprecated; "proc" is taken as relative to /',
  ],
  ['take unknown options as data', (d) => (d.mounts[0].options = ['hidepid=2', 'whatever'])],
  [
    'need a source to bind',
    (d) => (d.mounts[0] = { destination: '/x', options: ['rbind'] }),
    'error /mounts/0/source: a bind mount needs a source',
  ],
  [
    'refuse NUL bytes in options',
    (d) => (d.mounts[0].options = ['a\0']),
    'error /mounts/0/options/0: must not contain a NUL byte',
  ],
  [
    'keep the index of others when one is no object',
    (d) => {
      d.mounts[0] = 'x'
      d.mounts[1].destination = ''
    },
    'error /mounts/0: must be an object, found "x"',
    'error /mounts/1/destination: a mount needs a destination',
  ],
])

cases('hooks', [
  [
    'need an absolute path',
    (d) => (d.hooks = { prestart: [{ path: 'x' }] }),
    'error /hooks/prestart/0/path: must be an absolute path, found "x"',
  ],
  ['need a path', (d) => (d.hooks = { poststop: [{}] }), 'error /hooks/poststop/0/path: is missing'],
  [
    'need a timeout above zero',
    (d) => (d.hooks = { createRuntime: [{ path: '/x', timeout: 0 }] }),
    'error /hooks/createRuntime/0/timeout: must be more than 0 seconds, found 0',
  ],
  ['of unknown names are ignored', (d) => (d.hooks = { later: [{ path: 'x' }] })],
])

cases('annotations', [
  [
    'need a key',
    (d) => (d.annotations = { '': 'x' }),
    'error /annotations/: the key of an annotation must not be empty',
  ],
  ['must be text', (d) => (d.annotations = { 'a/b': 1 }), 'error /annotations/a~1b: must be a string, found 1'],
])

cases('devices', [
  [
    'need an absolute path',
    (d) => (d.linux.devices = [{ path: 'x', type: 'p' }]),
    'error /linux/devices/0/path: must be an absolute path, found "x"',
  ],
  [
    'need numbers unless they are fifos',
    (d) =>
      (d.linux.devices = [
        { path: '/p', type: 'p' },
        { path: '/c', type: 'c', major: 1 },
      ]),
    'error /linux/devices/1/minor: a device of type "c" needs a minor number',
  ],
  [
    'know their types',
    (d) => (d.linux.devices = [{ path: '/x', type: 'd', major: 1, minor: 1 }]),
    'error /linux/devices/0/type: must be one of "c", "b", "u", "p", found "d"',
  ],
  [
    'warn of a repetition',
    (d) =>
      (d.linux.devices = [
        { path: '/x', type: 'c', major: 1, minor: 3 },
        { path: '/x', type: 'c', major: 1, minor: 3 },
      ]),
    'warning /linux/devices/1/path: the device "/x" is listed more than once',
  ],
  [
    'refuse a contradiction',
    (d) =>
      (d.linux.devices = [
        { path: '/x', type: 'c', major: 1, minor: 3 },
        { path: '/x', type: 'c', major: 1, minor: 5 },
      ]),
    'error /linux/devices/1/path: the device "/x" is listed more than once, with different numbers',
  ],
])

const sysctl = (entries: Record<string, string>) => (d: Loosened) => {
  d.linux.namespaces.push({ type: 'network' })
  d.linux.sysctl = entries
}

cases('sysctl', [
  [
    'allows what a namespace keeps apart',
    sysctl({
      'net.ipv4.ip_forward': '1',
      'net/ipv4/conf/eth0.1/forwarding': '1',
      'kernel.msgmax': '1',
      'kernel.sem': '1',
      'kernel.shm_rmid_forced': '1',
      'fs.mqueue.msg_max': '1',
      'user.max_user_namespaces': '0',
      'kernel.domainname': 'x',
    }),
  ],
  [
    'refuses what belongs to the machine',
    sysctl({ 'kernel.core_pattern': '|x' }),
    'error /linux/sysctl/kernel.core_pattern: no namespace keeps this kernel parameter apart, so it cannot be set for one container',
  ],
  [
    'needs the namespace',
    (d) => (d.linux.sysctl = { 'net.ipv4.ip_forward': '1' }),
    'error /linux/sysctl/net.ipv4.ip_forward: needs a network namespace, and none is listed',
  ],
  [
    'refuses the host name',
    sysctl({ 'kernel.hostname': 'x' }),
    'error /linux/sysctl/kernel.hostname: use the property `hostname` instead',
  ],
  [
    'refuses two domain names',
    (d) => {
      sysctl({ 'kernel.domainname': 'x' })(d)
      d.domainname = 'y'
    },
    'error /linux/sysctl/kernel.domainname: differs from the property `domainname`',
  ],
  [
    'refuses ways out',
    sysctl({ 'net/../kernel/core_pattern': '|x' }),
    'error /linux/sysctl/net~1..~1kernel~1core_pattern: is not the name of a kernel parameter',
  ],
  [
    'refuses NUL bytes in a name',
    sysctl({ 'net.x\0': '1' }),
    'error /linux/sysctl/net.x\0: is not the name of a kernel parameter',
  ],
  ['refuses NUL bytes in a value', sysctl({ 'net.x': '\0' }), 'error /linux/sysctl/net.x: must not contain a NUL byte'],
])

cases('structure', [
  [
    'ignores unknown properties everywhere',
    (d) => {
      d.future = d.process.future = d.linux.future = d.mounts[0].future = { x: '\0' }
    },
  ],
  [
    'checks what is not built yet too',
    (d) => (d.linux.seccomp = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: [], action: 'ALLOW' }] }),
    'error /linux/seccomp/syscalls/0/names: must not be empty',
    'error /linux/seccomp/syscalls/0/action: must be one of "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_TRAP", "SCMP_ACT_ERRNO", "SCMP_ACT_TRACE", "SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY", found "ALLOW"',
  ],
  [
    'names the pattern of device access',
    (d) => (d.linux.resources = { devices: [{ allow: true, access: 'rx' }] }),
    'error /linux/resources/devices/0/access: must match ^[rwma]*$, found "rx"',
  ],
  [
    'passes over an "a" beside other letters of an access, but not alone',
    (d) =>
      (d.linux.resources = {
        devices: [
          { allow: false, access: 'rwa' },
          { allow: false, access: 'a' },
          { allow: false, access: '' },
        ],
      }),
    'warning /linux/resources/devices/0/access: the letters of an access are r, w and m, and "a" means nothing, found "rwa"',
    'error /linux/resources/devices/1/access: the letters of an access are r, w and m, and "a" means nothing',
  ],
  [
    'takes signed 64-bit bounds',
    (d) => (d.linux.resources = { memory: { limit: JSON.parse('9223372036854775807'), swap: -(2 ** 64) } }),
    'error /linux/resources/memory/swap: must be at least -9223372036854775808, found -18446744073709552000',
  ],
])

describe('validate', () => {
  it('finds nothing in both templates', () => {
    for (const rootless of [true, false]) assert.deepEqual(validate(edited(() => undefined, rootless)), [])
  })

  it('tells everything at once', () => {
    const found = findings((d) => {
      d.ociVersion = 'x'
      d.process.cwd = 'x'
      d.process.args = 1
      d.mounts.push(null)
      d.linux.namespaces.push({ type: 'pid' })
    })
    assert.equal(found.length, 5, found.join('\n'))
  })

  it('refuses what is no object', () => {
    for (const value of [undefined, null, 1, 'x', [], true]) assert.equal(validate(value)[0]?.pointer, '')
  })

  it('escapes control characters of the document', () => {
    assert.deepEqual(
      findings((d) => (d.process.cwd = '\u001b[2J\u202e')),
      ['error /process/cwd: Cwd must be an absolute path, found "\\u001b[2J\\u{202e}"'],
    )
  })

  // What compares every entry with every other would run into the time limit of the file.
  it('gets through very long lists', () => {
    const found = findings((d) => {
      d.mounts = Array.from({ length: 1000 }, () => 1)
      d.linux.uidMappings = Array.from({ length: 5000 }, () => ({ containerID: 0, hostID: 0, size: 1 }))
    })
    assert.ok(found.length > 10_000)
  })

  const document = edited((d) => {
    d.hooks = { prestart: [{ path: '/x', args: ['x'], timeout: 1 }] }
    d.linux.devices = [{ path: '/dev/x', type: 'c', major: 1, minor: 2 }]
    d.linux.sysctl = { 'user.max_user_namespaces': '1' }
    d.linux.timeOffsets = { monotonic: { secs: 1 } }
    d.linux.resources = {
      memory: { limit: 1 },
      cpu: { cpus: '0' },
      pids: { limit: 0 },
      blockIO: { weightDevice: [{ major: 1, minor: 1 }] },
    }
    d.linux.namespaces.push({ type: 'time' })
    d.annotations = { a: 'b' }
  })
  const places = pointersOf(document)
  const damaged = fc.tuple(fc.constantFrom(...places), fc.jsonValue({ maxDepth: 2 })).map(([pointer, value]) => {
    const copy = without(document, [pointer]) as Loosened
    const keys = pointer.split('/').slice(1)
    const last = keys.pop()
    if (last === undefined) return value
    let parent = copy
    for (const key of keys) parent = parent[key]
    parent[last] = value
    return copy
  })

  it('is valid before it is damaged', () => assert.deepEqual(told(validate(document)), []))

  it('never throws, and every pointer leads to a value or to its would-be parent', () => {
    fc.assert(
      fc.property(damaged, (config) => {
        const issues = validate(config)
        for (const { pointer } of issues) {
          const parent = pointer.slice(0, Math.max(0, pointer.lastIndexOf('/')))
          const holder = valueAt(config, parent)
          assert.ok(valueAt(config, pointer) !== undefined || (typeof holder === 'object' && holder !== null), pointer)
        }
        if (!issues.some((issue) => issue.severity === 'error')) unsupported(config as never)
      }),
      { numRuns: 400 },
    )
  })

  it('tells each wrong-shaped place once', () => {
    fc.assert(
      fc.property(damaged, (config) => {
        const places = validate(config).map((issue) => `${issue.pointer} ${issue.message}`)
        assert.equal(new Set(places).size, places.length)
      }),
      { numRuns: 150 },
    )
  })
})

describe('overlap of id ranges', () => {
  it('is found exactly when two ranges share an id', () => {
    const range = fc.record({ containerID: fc.nat(12), hostID: fc.nat(40), size: fc.integer({ min: 1, max: 4 }) })
    fc.assert(
      fc.property(fc.array(range, { maxLength: 5 }), (map) => {
        const clash = (start: 'containerID' | 'hostID') => {
          const all = map.flatMap((row) => Array.from({ length: row.size }, (_, offset) => row[start] + offset))
          return new Set(all).size !== all.length
        }
        const found = validate(edited((d) => (d.linux.uidMappings = map)))
        assert.equal(found.length > 0, clash('containerID') || clash('hostID'))
      }),
      { numRuns: 150 },
    )
  })
})

describe('validateProcess', () => {
  it('points into the description itself', () => {
    assert.deepEqual(told(validateProcess({ cwd: 'x', args: [1], rlimits: [{ type: 'X', soft: 1, hard: 1 }] })), [
      'error /args/0: must be a string, found 1',
      'error /cwd: Cwd must be an absolute path, found "x"',
      'error /rlimits/0/type: wrong rlimit value: X',
    ])
  })

  it('finds nothing in a good one, and refuses what is no object', () => {
    assert.deepEqual(validateProcess({ cwd: '/', args: ['sh'] }), [])
    assert.deepEqual(told(validateProcess([])), ['error : must be an object, found a list'])
    assert.deepEqual(told(validateProcess(undefined)), ['error : the configuration has no `process` section'])
  })
})
