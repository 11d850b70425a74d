import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as k from '../../../../src/kernel/constants.ts'
import { bindAttributes } from '../../../../src/linux/mounts/bind-attributes.ts'
import { parseMountOptions } from '../../../../src/linux/mounts/options.ts'

const kernel = { major: 6, minor: 1, release: '6.1.0' }
const of = (options: string, locked = false) =>
  bindAttributes(parseMountOptions(options.split(',')), { kernel, locked })

const [RO, SUID, DEV, EXEC] = [k.MOUNT_ATTR_RDONLY, k.MOUNT_ATTR_NOSUID, k.MOUNT_ATTR_NODEV, k.MOUNT_ATTR_NOEXEC]
const LINKS = k.MOUNT_ATTR_NOSYMFOLLOW
const TIMES = k.MOUNT_ATTR__ATIME | k.MOUNT_ATTR_NODIRATIME

describe('the flags of a bind', () => {
  it('stay as they are where none is named', () => {
    for (const options of ['bind', 'rbind', 'bind,rprivate', 'rbind,slave,defaults', 'bind,rro'])
      assert.equal(of(options), undefined, options)
  })

  it('are exactly those that are named, where any is', () => {
    assert.deepEqual(of('bind,ro'), {
      set: RO,
      clear: SUID | DEV | EXEC | LINKS,
      spare: SUID | DEV | EXEC | LINKS,
    })
    assert.deepEqual(of('bind,dev,noexec'), {
      set: EXEC,
      clear: RO | SUID | DEV | LINKS,
      spare: RO | SUID | LINKS,
    })
    assert.deepEqual(of('bind,atime'), {
      set: 0,
      clear: RO | SUID | DEV | EXEC | LINKS,
      spare: RO | SUID | DEV | EXEC | LINKS,
    })
  })

  it('are what the source has besides, where the namespace has all of it locked', () => {
    assert.deepEqual(of('bind,ro,suid', true), { set: RO, clear: SUID | LINKS, spare: LINKS })
  })

  it('keep the access times unless one is set by name', () => {
    for (const options of ['rw', 'rw,atime', 'norelatime,ro', 'diratime', 'nostrictatime'])
      assert.equal((of(`bind,${options}`)?.clear ?? 0) & TIMES, 0, options)
    for (const [options, set] of [
      ['noatime', k.MOUNT_ATTR_NOATIME],
      ['relatime', 0],
      ['strictatime', k.MOUNT_ATTR_STRICTATIME],
      ['nodiratime', k.MOUNT_ATTR_NODIRATIME],
      ['nodiratime,norelatime', k.MOUNT_ATTR_NODIRATIME],
      ['nodiratime,strictatime', k.MOUNT_ATTR_NODIRATIME | k.MOUNT_ATTR_STRICTATIME],
    ] as const) {
      const found = of(`bind,${options}`)
      assert.equal(found?.set, set, options)
      assert.equal((found?.clear ?? 0) | set, (found?.clear ?? 0) | set | k.MOUNT_ATTR__ATIME, options)
    }
  })

  it('do not take back in passing what an option gives to everything below', () => {
    assert.deepEqual(of('rbind,rro,nosuid'), { set: SUID, clear: DEV | EXEC | LINKS, spare: DEV | EXEC | LINKS })
    assert.equal((of('rbind,rro,rw')?.clear ?? 0) & RO, RO, 'but by name')
  })

  it('leave a flag alone that the kernel does not know', () => {
    const old = bindAttributes(parseMountOptions(['bind', 'ro']), {
      kernel: { ...kernel, major: 5, minor: 13 },
      locked: false,
    })
    assert.equal((old?.clear ?? 0) & LINKS, 0)
  })
})
