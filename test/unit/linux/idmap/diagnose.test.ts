// Why a map was not written: every reason with its full message.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Code } from '../../../../src/base/errors.ts'
import { diagnoseHelper, type HelperFailure } from '../../../../src/linux/idmap/diagnose-helper.ts'
import { diagnoseWrite, type WriteFailure } from '../../../../src/linux/idmap/diagnose-write.ts'
import { ALL_CAPABILITIES, aHost, nestedRoot } from '../../host/literal.ts'

const refusedByKernel: HelperFailure = {
  host: aHost(),
  kind: 'uid',
  args: ['42', '0', '1000', '1', '1', '100000', '65536'],
  stderr: 'newuidmap: write to uid_map failed: Operation not permitted',
  exitCode: 1,
  helper: { path: '/usr/bin/newuidmap', mode: 0o4755, owner: 0, nosuid: false, hasCapability: false },
}
const began =
  'cannot write the uid map of the container with /usr/bin/newuidmap 42 0 1000 1 1 100000 65536: newuidmap: write to uid_map failed: Operation not permitted (/linux/uidMappings)'
const helper = refusedByKernel.helper

const reasons: readonly [string, Partial<HelperFailure>, Code, string][] = [
  [
    'no_new_privs',
    { host: aHost({ noNewPrivs: true }) },
    'map-helper-nnp',
    '; cause: no_new_privs is set on our process, so setuid bits and file capabilities are ignored; fix: unset it where it is set (systemd: NoNewPrivileges=no; Kubernetes: allowPrivilegeEscalation: true), or map only your own id',
  ],
  [
    'a nosuid file system',
    { helper: { ...helper, nosuid: true } },
    'map-helper-nosuid',
    '; cause: the file system of /usr/bin/newuidmap is mounted nosuid; fix: install it on a file system without nosuid, or map only your own id',
  ],
  [
    'a small bounding set',
    { host: aHost({ capBounding: ALL_CAPABILITIES & ~(1n << 7n) }) },
    'map-helper-bounding',
    '; cause: the capability bounding set of our process lacks CAP_SETUID; fix: give the outer container SETUID and SETGID (Docker: --cap-add SETUID,SETGID), or map only your own id',
  ],
  [
    'a lost setuid bit',
    { helper: { ...helper, mode: 0o755 } },
    'map-helper-bit',
    '; cause: /usr/bin/newuidmap has neither the setuid bit nor a file capability (they get lost in image layers and with cp); fix: sudo chown root /usr/bin/newuidmap; sudo chmod u+s /usr/bin/newuidmap; or reinstall the uidmap package',
  ],
  [
    'a setuid bit of an ordinary user',
    { helper: { ...helper, owner: 1000 } },
    'map-helper-bit',
    '; cause: /usr/bin/newuidmap is setuid to user 1000 and not to root; fix: sudo chown root /usr/bin/newuidmap; sudo chmod u+s /usr/bin/newuidmap; or reinstall the uidmap package',
  ],
  [
    'an owner that is not mapped',
    {
      host: aHost({
        inUserNamespace: true,
        uidMap: [
          { inner: 1000, outer: 1000, size: 1 },
          { inner: 100_000, outer: 100_000, size: 65_536 },
        ],
      }),
      helper: { ...helper, owner: 65_534 },
    },
    'map-helper-owner',
    '; cause: /usr/bin/newuidmap belongs to a user that is not mapped in the user namespace around us; fix: use an outer namespace with id ranges, or map only your own id',
  ],
  [
    'ids that our own namespace does not have',
    { host: aHost({ inUserNamespace: true, uidMap: [{ inner: 1000, outer: 1000, size: 1 }] }) },
    'map-range',
    '; cause: the uids 100000-165535 do not exist in the user namespace we run in (it has 1000); fix: use ids of that namespace in the map and in /etc/subuid and /etc/subgid',
  ],
  [
    'AppArmor',
    { host: aHost({ apparmorRestrictsUserns: true }) },
    'userns-apparmor',
    '; cause: kernel.apparmor_restrict_unprivileged_userns is 1 and no AppArmor profile allows this program; fix: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0; usnea doctor --profile apparmor prints a profile for usnea alone',
  ],
  [
    'nothing that can be seen',
    {},
    'map-refused',
    '; cause: none of the known causes is to be seen; probably a security module or a seccomp filter refuses it; fix: look for a denial with: sudo dmesg; or map only your own id',
  ],
]
for (const [name, difference, code, rest] of reasons) {
  test(`a helper without effect: ${name}`, () => {
    const error = diagnoseHelper({ ...refusedByKernel, ...difference })
    assert.equal(error.message, began + rest)
    assert.equal(error.code, code)
  })
}

test('a file capability is as good as the setuid bit, and one that nobody could look for is only probably missing', () => {
  const without = { ...helper, mode: 0o755 }
  const good = diagnoseHelper({ ...refusedByKernel, helper: { ...without, hasCapability: true } })
  assert.equal(good.code, 'map-refused')
  const unknown = diagnoseHelper({ ...refusedByKernel, helper: { ...without, hasCapability: undefined } })
  assert.match(unknown.why ?? '', /^probably /)
})

test('the gid helper needs CAP_SETGID and not CAP_SETUID', () => {
  const host = aHost({ capBounding: ALL_CAPABILITIES & ~(1n << 6n) })
  const gid = diagnoseHelper({
    ...refusedByKernel,
    host,
    kind: 'gid',
    stderr: 'newgidmap: write to gid_map failed: Operation not permitted',
  })
  assert.match(gid.message, /lacks CAP_SETGID/)
  assert.equal(gid.origin, '/linux/gidMappings')
  assert.equal(diagnoseHelper({ ...refusedByKernel, host }).code, 'map-refused')
})

const words: readonly [string, Code, string][] = [
  [
    'newuidmap: uid range [1-11) -> [700000-700010) not allowed',
    'map-range',
    'cause: /etc/subuid does not give 700000-700009 to alice; fix: sudo usermod --add-subuids 700000-700009 alice',
  ],
  [
    'newuidmap: uid range [1-11) -> [0-10) not allowed',
    'map-range',
    'cause: /etc/subuid does not give 0-9 to alice; fix: sudo usermod --add-subuids 165536-165545 alice, and hostID 165536 in the map',
  ],
  [
    'newuidmap: Cannot determine your user name.',
    'map-no-passwd',
    'cause: our user id 1000 has no entry in the user database; fix: echo "user:x:1000:1000::/:/bin/sh" | sudo tee -a /etc/passwd; or map only your own id',
  ],
  [
    'newuidmap: Target process 42 is owned by a different user: uid:1000 pw_uid:1000 st_uid:0, gid:1000',
    'map-helper-failed',
    'cause: the process to be mapped does not belong to us any more; fix: see what the helper says in this message; map only your own id to do without it',
  ],
  [
    'newuidmap: Could not open proc directory for target 42',
    'map-helper-failed',
    'cause: the process to be mapped has ended, or /proc hides it (hidepid); fix: see what the helper says in this message; map only your own id to do without it',
  ],
  [
    'newuidmap: open of uid_map failed: Permission denied',
    'map-helper-failed',
    'cause: probably the process to be mapped is not dumpable, so that its files in /proc belong to root; or /proc is mounted with hidepid; fix: mount /proc without hidepid, or map only your own id',
  ],
  [
    'newuidmap: write to uid_map failed: Invalid argument',
    'map-invalid',
    'cause: two lines of the map overlap, or a size is zero; fix: let no two lines share an id, inside or outside',
  ],
  [
    'newuidmap: something new',
    'map-helper-failed',
    'cause: newuidmap or newgidmap failed; fix: see what the helper says in this message; map only your own id to do without it',
  ],
]
for (const [stderr, code, rest] of words) {
  test(`the helper says: ${stderr}`, () => {
    const error = diagnoseHelper({ ...refusedByKernel, stderr })
    assert.equal(error.code, code)
    const expected = `cannot write the uid map of the container with /usr/bin/newuidmap 42 0 1000 1 1 100000 65536: ${stderr} (/linux/uidMappings); ${rest}`
    assert.equal(error.message, expected)
  })
}

test('a helper that did not run, hung, or died without a word is told apart', () => {
  const silent = { ...refusedByKernel, stderr: '' }
  assert.equal(diagnoseHelper({ ...silent, exitCode: undefined, errno: 'ENOENT' }).code, 'map-helper-missing')
  assert.match(diagnoseHelper({ ...silent, exitCode: undefined, errno: 'ETIMEDOUT' }).why ?? '', /name service/)
  assert.match(diagnoseHelper({ ...silent, exitCode: undefined, errno: 'EACCES' }).why ?? '', /could not be started/)
  assert.match(diagnoseHelper({ ...silent, exitCode: 3 }).message, /ended with status 3 and no message/)
  assert.match(diagnoseHelper({ ...silent, exitCode: undefined }).message, /ended by a signal/)
})

const write: WriteFailure = {
  host: nestedRoot(),
  file: 'uid_map',
  ranges: [{ inner: 0, outer: 0, size: 1 }],
  errno: 'EPERM',
  pid: 42,
}

const writes: readonly [string, Partial<WriteFailure>, Code, string][] = [
  [
    'ids that our namespace does not have',
    { ranges: [{ inner: 0, outer: 100_000, size: 10 }] },
    'map-range',
    'cannot write "0 100000 10" to /proc/42/uid_map: operation not permitted (/linux/uidMappings); cause: the uids 100000-100009 do not exist in the user namespace we run in (it has 0, 1-65536); fix: hostID must be an id of that namespace, not of the host outside',
  ],
  [
    'no CAP_SETUID',
    { host: aHost(), ranges: [{ inner: 0, outer: 5000, size: 1 }] },
    'map-refused',
    'cannot write "0 5000 1" to /proc/42/uid_map: operation not permitted (/linux/uidMappings); cause: our process lacks CAP_SETUID, and without it only our own id can be mapped; fix: give it CAP_SETUID, or map only the id 1000',
  ],
  [
    'no CAP_SETFCAP',
    { host: nestedRoot({ capEffective: ALL_CAPABILITIES & ~(1n << 31n) }) },
    'map-refused',
    'cannot write "0 0 1" to /proc/42/uid_map: operation not permitted (/linux/uidMappings); cause: our process lacks CAP_SETFCAP, which mapping the user 0 around us needs since Linux 5.12; fix: give the outer container SETFCAP (Docker: --cap-add SETFCAP), or do not map hostID 0',
  ],
  [
    'a map that is written already',
    {},
    'map-refused',
    'cannot write "0 0 1" to /proc/42/uid_map: operation not permitted (/linux/uidMappings); cause: probably the map was written before (a map can be written once), or a security module refuses it; fix: look for a denial with: sudo dmesg',
  ],
  [
    'setgroups after gid_map',
    { file: 'setgroups', ranges: [] },
    'map-refused',
    'cannot write "deny" to /proc/42/setgroups: operation not permitted (/linux/uidMappings); cause: probably gid_map was written before, and setgroups can be denied only before that; fix: create the namespace again',
  ],
  [
    'a process that has ended',
    { file: 'gid_map', errno: 'ENOENT' },
    'init-died',
    'cannot write "0 0 1" to /proc/42/gid_map: no such file or directory (/linux/gidMappings); cause: the process to be mapped has ended, or /proc hides it (hidepid); fix: look for why it ended with: sudo dmesg',
  ],
  [
    'a process that is not dumpable',
    { errno: 'EACCES' },
    'map-refused',
    'cannot write "0 0 1" to /proc/42/uid_map: permission denied (/linux/uidMappings); cause: probably the process to be mapped is not dumpable, so that its files in /proc belong to root; or /proc is mounted read-only; fix: mount /proc read-write and without hidepid in the outer container',
  ],
  [
    'lines that overlap',
    { errno: 'EINVAL' },
    'map-invalid',
    'cannot write "0 0 1" to /proc/42/uid_map: invalid argument (/linux/uidMappings); cause: two lines of the map overlap, or a size is zero, or the kernel is older than 4.15 and takes 5 lines only; fix: use fewer lines that do not overlap',
  ],
]
for (const [name, difference, code, message] of writes) {
  test(`a map that the kernel refuses from us: ${name}`, () => {
    const error = diagnoseWrite({ ...write, ...difference })
    assert.equal(error.message, message)
    assert.equal(error.code, code)
  })
}

test('AppArmor is named where its switch is on', () => {
  const host = aHost({ apparmorRestrictsUserns: true })
  const own = { ...write, host, ranges: [{ inner: 0, outer: 1000, size: 1 }] }
  assert.equal(diagnoseWrite(own).code, 'userns-apparmor')
  assert.equal(diagnoseWrite({ ...own, errno: 'EACCES' }).code, 'userns-apparmor')
  assert.equal(diagnoseWrite({ ...own, file: 'setgroups', ranges: [] }).code, 'userns-apparmor')
})
