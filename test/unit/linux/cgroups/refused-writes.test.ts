// Needs /dev/full and /proc: what is said, and what is left, when the kernel refuses a write that is no limit.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { type Code, isRuntimeError } from '../../../../src/base/errors.ts'
import { freeze, thaw } from '../../../../src/linux/cgroups/freezer.ts'
import { signalMembers } from '../../../../src/linux/cgroups/kill.ts'
import { guardDevices, placeProcess } from '../../../../src/linux/cgroups/manager.ts'
import type { ManagedCgroup } from '../../../../src/linux/cgroups/record.ts'
import { refusalOf } from '../../../../src/linux/cgroups/refusals.ts'
import { makeHome } from '../../../../src/linux/cgroups/tree.ts'
import { placeInRdt, updateRdt } from '../../../../src/linux/rdt/manager.ts'

const refusing = {
  ENOSPC: '/dev/full',
  EACCES: '/proc/sys/kernel/ostype',
  EINVAL: '/proc/self/attr/current',
  EPERM: '/proc/self/uid_map',
} as const

type Errno = keyof typeof refusing

/** A directory whose files of these names refuse every write, while it lives. */
async function inDirectory(errno: Errno, files: readonly string[], use: (path: string) => unknown): Promise<void> {
  const path = mkdtempSync(join(tmpdir(), 'usnea-refused-'))
  try {
    for (const file of files) symlinkSync(refusing[errno], join(path, file))
    await use(path)
  } finally {
    rmSync(path, { recursive: true })
  }
}

const recordOf = (path: string, version: 1 | 2, ...controllers: string[]): ManagedCgroup => ({
  manager: 'cgroupfs',
  homes: [{ version, controllers, path, made: 0 }],
  guardsDevices: false,
})

const said =
  (code: Code, errno: Errno, ...words: string[]) =>
  (error: unknown) => {
    assert.ok(isRuntimeError(error, code), String(error))
    assert.equal(error.errno, errno)
    for (const word of words) assert.ok(error.message.includes(word), `${error.message} says ${word}`)
    return true
  }

for (const errno of Object.keys(refusing) as Errno[])
  describe(`${errno} on a write`, () => {
    it('of a process into its cgroup', () =>
      inDirectory(errno, ['cgroup.procs'], (path) =>
        assert.rejects(
          placeProcess([{ path }], 7),
          said('cgroup-place', errno, 'error adding pid 7', `${path}/cgroup.procs`),
        ),
      ))

    it('of device rules on v1', () =>
      inDirectory(errno, ['devices.allow', 'devices.deny'], (path) =>
        assert.throws(
          () => guardDevices(recordOf(path, 1, 'devices'), { default: 'deny', exceptions: [] }),
          said('cgroup-limit', errno, 'cannot set the device rules', '/linux/resources/devices', '; fix: '),
        ),
      ))

    it('that freezes or thaws', () =>
      inDirectory(errno, ['freezer.state', 'cgroup.freeze'], async (path) => {
        for (const [record, file] of [
          [recordOf(path, 1, 'freezer'), 'freezer.state'],
          [recordOf(path, 2), 'cgroup.freeze'],
        ] as const) {
          await assert.rejects(freeze(record), said('freeze-failed', errno, `${path}/${file}`, '; fix: '))
          writeFileSync(join(path, 'cgroup.procs'), '')
          assert.throws(() => thaw(record), said('freeze-failed', errno, `${path}/${file}`))
          rmSync(join(path, 'cgroup.procs'))
        }
      }))

    it('to cgroup.kill leaves the signals to be sent one by one', () =>
      inDirectory(errno, ['cgroup.kill'], (path) => {
        writeFileSync(join(path, 'cgroup.procs'), '')
        signalMembers(recordOf(path, 2), 9)
      }))

    // /dev/full has no end, and the file is read before it is written.
    const skip = errno === 'ENOSPC' && 'needs a file that can be read'
    it('that switches a controller on leaves no directory', { skip }, () =>
      inDirectory(errno, ['cgroup.subtree_control'], (path) => {
        writeFileSync(join(path, 'cgroup.controllers'), 'pids')
        const before = readdirSync(path)
        const place = { version: 2, controllers: ['pids'], mount: path, path: '/a/b' } as const
        assert.throws(
          () => makeHome(place, { needs: ['pids'], all: true }),
          said('cgroup-refused', errno, `the pids controller cannot be switched on in ${path}`, '; fix: '),
        )
        assert.deepEqual(readdirSync(path), before)
      }),
    )

    it('of resctrl', () =>
      inDirectory(errno, [], (root) => {
        const group = join(root, 'box')
        mkdirSync(group)
        symlinkSync(refusing[errno], join(group, 'tasks'))
        const record = { root, group, made: [group], monitor: undefined }
        assert.throws(() => placeInRdt(record, 7), said('rdt-refused', errno, `cannot add process 7 to ${group}/tasks`))
        // The others cannot be read to their end, as a schemata is first.
        if (errno !== 'EACCES') return
        symlinkSync(refusing[errno], join(group, 'schemata'))
        assert.throws(() => updateRdt(record, ['L3:0=1']), said('rdt-refused', errno, `to ${group}/schemata`))
      }))
  })

describe('a reason and what helps', () => {
  it('are known for every errno that a cgroup answers with', () => {
    for (const errno of ['EROFS', 'EACCES', 'EPERM', 'EBUSY', 'ENOSPC', 'EINVAL', 'ENODEV']) {
      const { why, fix } = refusalOf(errno)
      assert.ok(why && fix, errno)
    }
    assert.notDeepEqual(refusalOf('ENOSPC', 'cpuset'), refusalOf('ENOSPC', 'pids'))
    assert.notDeepEqual(refusalOf('EBUSY', 'memory'), refusalOf('EBUSY', 'cpu'))
    assert.deepEqual(refusalOf('EIO'), {})
    assert.deepEqual(refusalOf(undefined), {})
  })
})
