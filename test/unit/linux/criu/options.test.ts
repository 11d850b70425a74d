// Needs nothing: what criu is asked for, and what in a container counts as outside.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseMountinfo } from '../../../../src/host/mountinfo.ts'
import { adviceOf } from '../../../../src/linux/criu/advice.ts'
import { lostPeers, outsideMounts, outsideNamespaces, outsidePlaces } from '../../../../src/linux/criu/external.ts'
import { dumpOptions, handedNamespaces, restoreOptions } from '../../../../src/linux/criu/options.ts'
import { planLoopback, planRestorer } from '../../../../src/linux/criu/plan.ts'
import { inheritedStdio } from '../../../../src/linux/criu/process.ts'
import { checkLabels, checkVersion, readPageServer, readWishes } from '../../../../src/linux/criu/wishes.ts'
import type { Spec } from '../../../../src/spec/types.ts'

const host = parseMountinfo(
  [
    '1 0 8:1 / / rw - ext4 /dev/sda rw',
    '2 1 8:2 / /data rw - ext4 /dev/sdb rw',
    '3 2 8:3 /part /data/below rw - ext4 /dev/sdc rw',
    '4 1 0:5 / /dev rw - devtmpfs dev rw',
    '5 1 0:30 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids',
  ].join('\n'),
)

const inside = (...lines: string[]) => parseMountinfo(lines.join('\n'))

const spec = (mounts: Spec['mounts'], namespaces: { type: string; path?: string }[] = []): Spec =>
  ({ ociVersion: '1.2.0', mounts, linux: { namespaces } }) as unknown as Spec

const outside = (mounts: Spec['mounts'], namespaces: { type: string; path?: string }[] = []) => ({
  spec: spec(mounts, namespaces),
  bundle: '/b',
  rootfs: '/b/rootfs',
  mounts: host,
  real: (path: string) => (path.startsWith('/gone') ? undefined : path.replace(/^\/link/, '/data')),
  homes: [{ version: 1 as const, path: '/sys/fs/cgroup/pids/box' }],
})

const bind = (source: string, destination: string, ...options: string[]) => ({
  source,
  destination,
  type: 'bind',
  options: ['bind', ...options],
})

describe('what belongs to the outside', () => {
  it('has the destination of config.json as its name', () => {
    const places = outsidePlaces(outside([bind('/link/x', '/mnt'), bind('rel', '/b/rootfs/in'), bind('/gone', '/c')]))
    assert.deepEqual(places.slice(0, 2), [
      { key: '/mnt', value: '/data/x' },
      { key: '/in', value: '/b/rel' },
    ])
    assert.ok(!places.some(({ key }) => key === '/c'))
  })

  it('is told by what a mount shows, wherever the container has it now', () => {
    const mounts = inside(
      '10 9 8:1 /b/rootfs / rw - ext4 /dev/sda rw',
      '11 10 8:2 /x /moved rw - ext4 /dev/sdb rw',
      '12 10 8:2 /x/y /other rw - ext4 /dev/sdb rw',
      '13 10 0:5 /null /proc/keys rw - devtmpfs dev rw',
      '14 10 0:77 / /tmp rw - tmpfs tmpfs rw',
    )
    assert.deepEqual(outsideMounts(outside([bind('/data/x', '/mnt')]), mounts), [
      { key: '/moved', value: '/mnt' },
      { key: '/proc/keys', value: '/dev/null' },
    ])
  })

  it('includes what lies below a source', () => {
    const mounts = inside(
      '10 9 8:1 /b/rootfs / rw - ext4 /dev/sda rw',
      '11 10 8:2 / /mnt rw - ext4 /dev/sdb rw',
      '12 11 8:3 /part /mnt/below rw - ext4 /dev/sdc rw',
    )
    assert.deepEqual(outsideMounts(outside([bind('/data', '/mnt', 'rbind')]), mounts), [
      { key: '/mnt', value: '/mnt' },
      { key: '/mnt/below', value: '/mnt/below' },
    ])
  })

  it('includes the cgroup directories, unless there is a cgroup namespace', () => {
    const cgroup = { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup' }
    const named = (namespaces: { type: string }[]) =>
      outsidePlaces(outside([cgroup], namespaces)).filter(({ key }) => key.startsWith('/sys'))
    assert.deepEqual(named([]), [{ key: '/sys/fs/cgroup/pids', value: '/sys/fs/cgroup/pids/box' }])
    assert.deepEqual(named([{ type: 'cgroup' }]), [])
  })

  it('includes network and pid namespaces that were named by path', () => {
    const joined = spec([], [{ type: 'network', path: '/n' }, { type: 'pid' }, { type: 'ipc', path: '/i' }])
    assert.deepEqual(
      outsideNamespaces(joined, (file) => (file === 'net' ? '42' : '43')),
      ['net[42]:extRootNetNS'],
    )
    assert.deepEqual(
      outsideNamespaces(joined, () => undefined),
      [],
    )
    assert.deepEqual(
      handedNamespaces(joined).map(({ key, path, origin }) => [key, path, origin]),
      [['extRootNetNS', '/n', '/linux/namespaces/0/path']],
    )
  })

  it('has no peers any more where it was shared', () => {
    const mounts = [bind('/a', '/a', 'rslave'), bind('/b', '/b', 'rshared'), { destination: '/c', type: 'tmpfs' }]
    assert.deepEqual(
      lostPeers(spec(mounts)).map(({ pointer }) => pointer),
      ['/mounts/1/options'],
    )
  })

  it('includes stdio that is a pipe, and files by their path', () => {
    assert.deepEqual(inheritedStdio(['pipe:[7]', '/dev/pts/0', 'file[1b:20]']), [
      { key: 'pipe:[7]', fd: 0 },
      { key: 'ile[1b:20]', fd: 2 },
    ])
  })
})

const wishes = readWishes({ manageCgroupsMode: 'ignore', fileLocks: true })
const facts = { rootfs: '/r', directories: { images: 5 }, externalMounts: [{ key: '/a', value: '/a' }] }
const dumpWishes = { ...wishes, leaveRunning: false, preDump: false, tcpSkipInFlight: false, linkRemap: false }

describe('a dump', () => {
  const dumpFacts = { ...facts, spec: spec([]), pid: 9, external: ['net[1]:x'], freezer: '/f' }

  it('asks for what was wished', () => {
    const options = dumpOptions({ ...dumpWishes, leaveRunning: true }, dumpFacts)
    assert.deepEqual(
      [options.pid, options.root, options.fileLocks, options.cgroupMode, options.leaveRunning, options.freezeCgroup],
      [9, '/r', true, 0, true, '/f'],
    )
    assert.deepEqual([options.externalMounts, options.external], [facts.externalMounts, ['net[1]:x']])
    assert.equal('trackMemory' in options, false)
  })

  it('ahead of another looks at memory only, and a later one has it as its parent', () => {
    assert.equal(dumpOptions({ ...dumpWishes, preDump: true }, dumpFacts).externalMounts, undefined)
    const later = dumpOptions({ ...dumpWishes, parentPath: '../p' }, dumpFacts)
    assert.deepEqual([later.parentImage, later.trackMemory], ['../p', true])
  })

  it('reads the configuration that the annotation names, or none', () => {
    const named = (annotations?: Record<string, string>) =>
      dumpOptions(dumpWishes, { ...dumpFacts, spec: { ...spec([]), ...(annotations && { annotations }) } }).configFile
    assert.equal(named(), '/etc/criu/runc.conf')
    assert.equal(named({ 'org.criu.config': '/c' }), '/c')
    assert.equal(named({ 'org.criu.config': '' }), undefined)
  })
})

describe('a restore', () => {
  it('enters namespaces by path, all but those that are handed over', () => {
    const joined = spec([], [{ type: 'network', path: '/n' }, { type: 'ipc', path: '/i' }, { type: 'mount' }])
    const options = restoreOptions(
      { ...wishes, tcpClose: false, lsmProfile: 'apparmor:p' },
      { ...facts, spec: joined, cgroupRoots: [], inherited: [] },
    )
    assert.deepEqual(options.joined, [{ type: 'ipc', path: '/i' }])
    assert.deepEqual([options.lsmProfile, options.restoresSibling], ['apparmor:p', true])
  })

  it('waits for its cgroup before it does anything', () => {
    const program = { path: '/criu', env: ['A=1'], fds: 2 }
    const place = { rootfs: { path: '/r', dev: 1n, ino: 2n }, isPlaced: true, newKeyring: true, keyLabel: '' }
    assert.deepEqual(
      planRestorer(program, place).ops.map(({ op }) => op),
      ['born', 'wait', 'keyring', 'propagate', 'coverRoot', 'exec'],
    )
    assert.equal(planRestorer(program, { ...place, isPlaced: false }).ops[1]?.op, 'keyring')
    assert.deepEqual(
      planLoopback.ops.map(({ op }) => op),
      ['join', 'born', 'loopback', 'finish'],
    )
  })
})

describe('a restore of what was outside', () => {
  const facts2 = { ...facts, spec: spec([]), cgroupRoots: [] }
  const asked = (raw: Parameters<typeof readWishes>[0], key: string) => {
    const options = restoreOptions({ ...readWishes(raw), tcpClose: false }, { ...facts2, inherited: [{ key, fd: 0 }] })
    return [options.shellJob, options.cgroupMode]
  }

  it('hands over terminals by their name, which criu would else look for itself', () => {
    assert.deepEqual(inheritedStdio(['tty[8800:18]']), [{ key: 'tty[8800:18]', fd: 0 }])
    assert.equal(asked({ shellJob: true }, 'tty[8800:18]')[0], false)
    assert.equal(asked({ shellJob: true }, 'pipe:[1]')[0], true)
  })

  it('into a strict cgroup is one into a full one, which we have made', () => {
    const mode = (manageCgroupsMode: string) => asked({ manageCgroupsMode }, 'pipe:[1]')[1]
    assert.deepEqual(['ignore', 'soft', 'full', 'strict'].map(mode), [0, 3, 4, 4])
  })
})

describe('words of the command line', () => {
  it('for a page server are an address and a port', () => {
    assert.deepEqual(readPageServer('10.0.0.1:27'), { address: '10.0.0.1', port: 27 })
    assert.deepEqual(readPageServer('[::1]:65535'), { address: '::1', port: 65_535 })
  })

  it('for labels name a module that is on', () => {
    const off = { apparmor: false, selinux: false }
    const check = (lsmProfile: string, lsm = off) => checkLabels({ lsmProfile }, lsm)
    assert.throws(() => check('apparmor'), /--lsm-profile apparmor is no TYPE:NAME/)
    assert.throws(() => check('apparmor:'), /is no TYPE:NAME/)
    assert.throws(() => check('none:x'), /no security module none/)
    assert.throws(() => check('apparmor:p'), { code: 'criu-feature', message: /apparmor:p cannot be had/ })
    assert.throws(() => check('selinux:u:r:t:s0:c1,c2'), /SELinux is not supported or disabled here/)
    assert.throws(() => checkLabels({ lsmMountContext: 'x' }, { ...off, apparmor: true }), { code: 'criu-feature' })
    check('apparmor:p', { ...off, apparmor: true })
    check('selinux:u:r:t:s0:c1,c2', { ...off, selinux: true })
  })

  it('that would have helped are named after a failure', () => {
    const advised = (line: string) => adviceOf([line, 'Error (criu/cr-dump.c:1975): Dumping FAILED.'])
    assert.match(advised("Can't create link remap for /a. Use link-remap option.") ?? '', /--link-remap/)
    assert.match(advised('inet: Connected TCP socket in image') ?? '', /--tcp-established.*--tcp-close/)
    assert.match(advised("Can't lookup mount=29 for fd=0 path=/dev/pts/0") ?? '', /--shell-job/)
    assert.equal(advised("Can't lookup mount=29 for fd=0 path=/etc/x"), undefined)
  })

  it('that are names of every object are no values', () => {
    assert.throws(() => readWishes({ manageCgroupsMode: 'toString' }), /invalid --manage-cgroups-mode: toString/)
  })
})

describe('a version', () => {
  it('is told as criu prints it', () => {
    assert.throws(() => checkVersion(30_900), /criu 3.9 is too old/)
    checkVersion(31_500)
    checkVersion(40_201)
  })
})
