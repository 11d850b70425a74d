// readHost on this machine and on made-up ones below a temporary directory.
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { RLIM_INFINITY } from '../../../src/host/facts.ts'
import { readHost } from '../../../src/host/host.ts'
import { parseLimits } from '../../../src/host/limits.ts'
import { findHelper, findProgram } from '../../../src/host/program.ts'
import { lazyRecord } from '../../../src/host/record.ts'

const directory = mkdtempSync(join(tmpdir(), 'usnea-host-'))
after(() => rmSync(directory, { recursive: true }))

/** Files below a new directory, by their path in it. */
function machine(files: Readonly<Record<string, string>>): string {
  const top = mkdtempSync(join(directory, 'm-'))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(top, path)), { recursive: true })
    writeFileSync(join(top, path), text)
  }
  return top
}

function program(path: string, mode = 0o755): string {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, '#!/bin/sh\n')
  chmodSync(path, mode)
  return path
}

const read = (top: string, env: NodeJS.ProcessEnv = { PATH: '/nowhere' }) =>
  readHost({ proc: join(top, 'proc'), sys: join(top, 'sys'), etc: join(top, 'etc'), env })

test('the record of this machine is complete, frozen and consistent', () => {
  const host = readHost()
  assert.equal(Object.isFrozen(host), true)
  const values = { ...host }
  assert.equal(values.uid, process.geteuid?.())
  assert.equal(values.rootlessEuid, values.uid !== 0)
  assert.equal(values.realRoot, values.uid === 0 && !values.inUserNamespace)
  assert.ok(values.kernel.major >= 4)
  assert.ok(values.uidMap.length > 0)
})

test('a field that is read twice is worked out once', () => {
  let calls = 0
  const record = lazyRecord<{ a: number }>({ a: () => ++calls })
  assert.equal(calls, 0)
  assert.equal(record.a, 1)
  assert.equal(record.a, 1)
  assert.equal(calls, 1)
})

test('a machine that shows nothing crashes nothing and permits little', () => {
  const host = read(machine({}))
  const values = { ...host }
  assert.equal(values.inUserNamespace, false, 'a kernel without user namespaces has no uid_map')
  assert.equal(values.hasUserNamespaces, false)
  assert.equal(values.freshProc, false)
  assert.equal(values.chrooted, false)
  assert.deepEqual(values.cgroup, {
    layout: 'none',
    unified: undefined,
    ownPath: undefined,
    writable: false,
    hierarchies: [],
  })
  assert.deepEqual(values.rlimits, {})
  assert.equal(values.legacyTiocsti, true)
  assert.equal(values.maxUserNamespaces, undefined)
  assert.equal(values.unprivilegedUsernsClone, undefined)
  assert.equal(values.apparmorRestrictsUserns, false)
  assert.equal(values.newuidmap, undefined)
  assert.equal(values.lsm.label, undefined)
})

test('an unprivileged root in the namespace of a container is recognised by uid_map', () => {
  const host = read(
    machine({
      'proc/self/status': 'Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nGroups:\t65534 \n',
      'proc/self/uid_map': '0 1000 1\n1 100000 65536\n',
      'proc/self/gid_map': '0 1000 1\n',
      'proc/self/setgroups': 'deny\n',
    }),
  )
  assert.equal(host.inUserNamespace, true)
  assert.equal(host.realRoot, false)
  assert.equal(host.rootlessEuid, false)
  assert.equal(host.rootlessCgroups, true)
  assert.equal(host.setgroups, 'deny')
  assert.deepEqual(host.uidMap[1], { inner: 1, outer: 100_000, size: 65_536 })
})

test('the switches of the kernel are read as they stand', () => {
  const host = read(
    machine({
      'proc/sys/user/max_user_namespaces': '0\n',
      'proc/sys/kernel/unprivileged_userns_clone': '0\n',
      'proc/sys/kernel/apparmor_restrict_unprivileged_userns': '1\n',
      'proc/sys/kernel/cap_last_cap': '37\n',
      'proc/sys/dev/tty/legacy_tiocsti': '0\n',
      'proc/self/oom_score_adj': '-500\n',
      'proc/sys/kernel/random/boot_id': 'abc\n',
      'proc/self/attr/current': 'docker-default (enforce)\n',
      'sys/module/apparmor/parameters/enabled': 'Y\n',
      'sys/kernel/security/lsm': 'lockdown,capability,landlock,apparmor',
    }),
  )
  assert.equal(host.maxUserNamespaces, 0)
  assert.equal(host.unprivilegedUsernsClone, false)
  assert.equal(host.apparmorRestrictsUserns, true)
  assert.equal(host.lastCap, 37)
  assert.equal(host.legacyTiocsti, false)
  assert.equal(host.oomScoreAdj, -500)
  assert.equal(host.bootId, 'abc')
  assert.deepEqual(host.lsm, {
    apparmor: true,
    selinux: false,
    selinuxEnforcing: false,
    landlock: true,
    label: 'docker-default (enforce)',
  })
})

test('an SELinux label ends before its NUL byte', () => {
  const host = read(machine({ 'proc/self/attr/current': 'user_u:user_r:user_t:s0\0', 'sys/fs/selinux/enforce': '1' }))
  assert.equal(host.lsm.label, 'user_u:user_r:user_t:s0')
  assert.equal(host.lsm.selinux, true)
  assert.equal(host.lsm.selinuxEnforcing, true)
})

test('--systemd-cgroup asks for a user manager socket in the runtime directory', () => {
  const top = machine({
    'proc/self/uid_map': '0 1000 1\n',
    'proc/self/status': 'Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\n',
    'run/bus': 'no socket',
  })
  const env = { XDG_RUNTIME_DIR: join(top, 'run') }
  const host = readHost({ proc: join(top, 'proc'), env, systemdCgroup: true })
  assert.equal(host.rootlessCgroups, true, 'a plain file is no manager')
})

test('limits have the names of the specification, and unlimited is RLIM_INFINITY', () => {
  const limits = parseLimits(
    'Limit                     Soft Limit           Hard Limit           Units     \n' +
      'Max cpu time              unlimited            unlimited            seconds   \n' +
      'Max open files            1024                 1048576              files     \n' +
      'Max nice priority         0                    0                    \n',
  )
  assert.deepEqual(limits, {
    RLIMIT_CPU: { soft: RLIM_INFINITY, hard: RLIM_INFINITY },
    RLIMIT_NOFILE: { soft: 1024n, hard: 1_048_576n },
    RLIMIT_NICE: { soft: 0n, hard: 0n },
  })
})

test('a PATH that is set is the only place where helpers are looked for', () => {
  const top = machine({})
  const found = program(join(top, 'b/newuidmap'))
  assert.equal(findHelper('newuidmap', { PATH: `${join(top, 'a')}:${join(top, 'b')}` }), found)
  assert.equal(findHelper('newuidmap', { PATH: join(top, 'a') }), undefined)
})

test('without a PATH the usual directories are searched', () => {
  for (const env of [{}, { PATH: '' }, { PATH: undefined }]) {
    assert.match(findProgram('sh', env) ?? '', /^\/(usr\/)?bin\/sh$/)
  }
})

test('relative entries of PATH and files that are no programs are passed over', () => {
  const top = machine({ 'c/newuidmap': 'not executable' })
  mkdirSync(join(top, 'd/newuidmap'), { recursive: true })
  const linked = join(top, 'e/newuidmap')
  program(join(top, 'real'))
  mkdirSync(dirname(linked))
  symlinkSync(join(top, 'real'), linked)
  const path = ['', '.', 'b', join(top, 'c'), join(top, 'd'), join(top, 'e')].join(':')
  assert.equal(findProgram('newuidmap', { PATH: path }), linked)
})

test('USNEA_NEWUIDMAP and USNEA_NEWGIDMAP win over PATH, and must name a program', () => {
  const top = machine({})
  const named = program(join(top, 'special'))
  program(join(top, 'bin/newuidmap'))
  const env = { PATH: join(top, 'bin'), USNEA_NEWUIDMAP: named, USNEA_NEWGIDMAP: join(top, 'missing') }
  assert.equal(findHelper('newuidmap', env), named)
  assert.equal(findHelper('newgidmap', env), undefined)
  assert.equal(findHelper('newuidmap', { ...env, USNEA_NEWUIDMAP: 'special' }), undefined, 'a relative path')
})
