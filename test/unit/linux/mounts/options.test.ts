import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import * as k from '../../../../src/kernel/constants.ts'
import { mountOptionNames, parseMountOptions } from '../../../../src/linux/mounts/options.ts'

const nothing = {
  flags: 0,
  bind: false,
  recursive: false,
  remount: false,
  attrSet: 0,
  attrClear: 0,
  recursiveAttrSet: 0,
  recursiveAttrClear: 0,
  propagation: [],
  data: '',
  extensions: new Set(),
  clearsExplicitly: [],
}
const parsed = (...options: string[]) => parseMountOptions(options)
const parses = (options: string[], expected: Partial<Record<keyof typeof nothing, unknown>>) =>
  assert.deepEqual(parseMountOptions(options), { ...nothing, ...expected })

/** The two lists of the runtime specification, "Linux mount options", as far as they are built. */
const must =
  'async atime bind defaults dev diratime dirsync exec iversion lazytime loud mand noatime nodev nodiratime noexec noiversion nolazytime nomand norelatime nostrictatime nosuid private rbind relatime remount ro rprivate rshared rslave runbindable rw shared silent slave strictatime suid sync unbindable'
const should =
  'nosymfollow symfollow ratime rdev rdiratime rexec rnoatime rnodev rnodiratime rnoexec rnorelatime rnostrictatime rnosuid rnosymfollow rrelatime rro rrw rstrictatime rsuid rsymfollow tmpcopyup idmap ridmap'

describe('parseMountOptions', () => {
  it('knows every name of the specification: none falls through to the file system', () => {
    for (const name of [...must.split(' '), ...should.split(' ')]) assert.equal(parsed(name).data, '', name)
    assert.deepEqual(mountOptionNames(), [...must.split(' '), ...should.split(' ')].toSorted())
  })

  it('takes no options and `defaults` as nothing', () => {
    parses([], {})
    parses(['defaults', ''], {})
  })

  it('sets flags for a file system and attributes for a bind alike', () => {
    parses(['nosuid', 'noexec', 'nodev', 'ro'], {
      flags: k.MS_NOSUID | k.MS_NOEXEC | k.MS_NODEV | k.MS_RDONLY,
      attrSet: k.MOUNT_ATTR_NOSUID | k.MOUNT_ATTR_NOEXEC | k.MOUNT_ATTR_NODEV | k.MOUNT_ATTR_RDONLY,
    })
    parses(['nodiratime', 'nosymfollow'], {
      flags: k.MS_NODIRATIME | k.MS_NOSYMFOLLOW,
      attrSet: k.MOUNT_ATTR_NODIRATIME | k.MOUNT_ATTR_NOSYMFOLLOW,
    })
  })

  it('keeps what concerns the superblock out of the attributes', () => {
    parses(['sync', 'dirsync', 'mand', 'silent', 'iversion', 'lazytime'], {
      flags: k.MS_SYNCHRONOUS | k.MS_DIRSYNC | k.MS_MANDLOCK | k.MS_SILENT | k.MS_I_VERSION | k.MS_LAZYTIME,
    })
    parses(
      ['sync', 'async', 'mand', 'nomand', 'silent', 'loud', 'iversion', 'noiversion', 'lazytime', 'nolazytime'],
      {},
    )
  })

  it('clears what a later option takes away, and names it', () => {
    parses(['ro', 'rw'], { attrClear: k.MOUNT_ATTR_RDONLY, clearsExplicitly: ['rw'] })
    parses(['suid', 'dev', 'exec', 'diratime', 'symfollow'], {
      attrClear:
        k.MOUNT_ATTR_NOSUID |
        k.MOUNT_ATTR_NODEV |
        k.MOUNT_ATTR_NOEXEC |
        k.MOUNT_ATTR_NODIRATIME |
        k.MOUNT_ATTR_NOSYMFOLLOW,
      clearsExplicitly: ['suid', 'dev', 'exec', 'diratime', 'symfollow'],
    })
    parses(['rw', 'ro'], { flags: k.MS_RDONLY, attrSet: k.MOUNT_ATTR_RDONLY })
  })

  it('sets an access time together with the clearing of its field', () => {
    parses(['noatime'], { flags: k.MS_NOATIME, attrSet: k.MOUNT_ATTR_NOATIME, attrClear: k.MOUNT_ATTR__ATIME })
    parses(['noatime', 'strictatime'], {
      flags: k.MS_STRICTATIME,
      attrSet: k.MOUNT_ATTR_STRICTATIME,
      attrClear: k.MOUNT_ATTR__ATIME,
      clearsExplicitly: ['strictatime'],
    })
    parses(['strictatime', 'relatime'], {
      flags: k.MS_RELATIME,
      attrClear: k.MOUNT_ATTR__ATIME,
      clearsExplicitly: ['relatime'],
    })
    parses(['strictatime', 'noatime'], {
      flags: k.MS_NOATIME,
      attrSet: k.MOUNT_ATTR_NOATIME,
      attrClear: k.MOUNT_ATTR__ATIME,
    })
  })

  it('takes away only the access time that is in force', () => {
    parses(['noatime', 'atime'], { attrClear: k.MOUNT_ATTR__ATIME, clearsExplicitly: ['atime'] })
    const kept = parsed('noatime', 'nostrictatime', 'norelatime')
    assert.deepEqual([kept.flags, kept.attrSet], [k.MS_NOATIME, k.MOUNT_ATTR_NOATIME])
    assert.deepEqual(parsed('nostrictatime').attrClear, k.MOUNT_ATTR__ATIME)
  })

  it('keeps recursive attributes apart', () => {
    parses(['rro', 'rnoexec'], { recursiveAttrSet: k.MOUNT_ATTR_RDONLY | k.MOUNT_ATTR_NOEXEC })
    parses(['rsuid'], { recursiveAttrClear: k.MOUNT_ATTR_NOSUID, clearsExplicitly: ['rsuid'] })
    parses(['rnoatime'], { recursiveAttrSet: k.MOUNT_ATTR_NOATIME, recursiveAttrClear: k.MOUNT_ATTR__ATIME })
    parses(['rro', 'rrw'], { recursiveAttrClear: k.MOUNT_ATTR_RDONLY, clearsExplicitly: ['rrw'] })
  })

  it('lets a later recursive option decide for the mount too, and a later plain one for the mount alone', () => {
    parses(['rw', 'rro'], { recursiveAttrSet: k.MOUNT_ATTR_RDONLY })
    parses(['rro', 'rw'], {
      recursiveAttrSet: k.MOUNT_ATTR_RDONLY,
      attrClear: k.MOUNT_ATTR_RDONLY,
      clearsExplicitly: ['rw'],
    })
  })

  it('knows binds, and a bind beside rbind stays recursive', () => {
    parses(['bind'], { bind: true })
    parses(['rbind', 'bind'], { bind: true, recursive: true })
    parses(['remount', 'bind', 'ro'], {
      bind: true,
      remount: true,
      flags: k.MS_RDONLY,
      attrSet: k.MOUNT_ATTR_RDONLY,
    })
  })

  it('lists propagation in order', () => {
    parses(['rslave', 'shared', 'rprivate', 'unbindable'], {
      propagation: [k.MS_SLAVE | k.MS_REC, k.MS_SHARED, k.MS_PRIVATE | k.MS_REC, k.MS_UNBINDABLE],
    })
  })

  it('passes everything else on to the file system, in order', () => {
    parses(['size=64m', 'nosuid', 'mode=1777', 'ro=x'], {
      flags: k.MS_NOSUID,
      attrSet: k.MOUNT_ATTR_NOSUID,
      data: 'size=64m,mode=1777,ro=x',
    })
  })

  it('keeps extensions out of the data', () => {
    parses(['tmpcopyup', 'idmap=uids=0-1-1', 'ridmap'], { extensions: new Set(['tmpcopyup', 'idmap', 'ridmap']) })
  })
})

describe('any list of options', () => {
  const anyOptions = fc.array(fc.constantFrom(...mountOptionNames(), 'size=1', 'x'), { maxLength: 12 })

  it('never sets and clears the same attribute, but for the access time field', () => {
    fc.assert(
      fc.property(anyOptions, (options) => {
        const { attrSet, attrClear, recursiveAttrSet, recursiveAttrClear } = parseMountOptions(options)
        assert.equal(attrSet & attrClear & ~k.MOUNT_ATTR__ATIME, 0)
        assert.equal(recursiveAttrSet & recursiveAttrClear & ~k.MOUNT_ATTR__ATIME, 0)
        for (const [set, clear] of [
          [attrSet, attrClear],
          [recursiveAttrSet, recursiveAttrClear],
        ] as const) {
          if ((set & k.MOUNT_ATTR__ATIME) !== 0) assert.equal(clear & k.MOUNT_ATTR__ATIME, k.MOUNT_ATTR__ATIME)
        }
      }),
    )
  })

  it('ends with what its last word on a flag says', () => {
    const pairs = [
      ['ro', 'rw', k.MS_RDONLY, k.MOUNT_ATTR_RDONLY],
      ['nosuid', 'suid', k.MS_NOSUID, k.MOUNT_ATTR_NOSUID],
      ['nodev', 'dev', k.MS_NODEV, k.MOUNT_ATTR_NODEV],
      ['noexec', 'exec', k.MS_NOEXEC, k.MOUNT_ATTR_NOEXEC],
    ] as const
    fc.assert(
      fc.property(anyOptions, (options) => {
        const result = parseMountOptions(options)
        for (const [on, off, flag, attr] of pairs) {
          const plain = options.findLast((option) => option === on || option === off)
          assert.equal((result.flags & flag) !== 0, plain === on, 'flag of a file system')
          const last = options.findLast((option) => [on, off, `r${on}`, `r${off}`].includes(option))
          const alone = last === plain ? last : undefined
          assert.equal((result.attrSet & attr) !== 0, alone === on, 'attribute that is set')
          assert.equal((result.attrClear & attr) !== 0, alone === off, 'attribute that is cleared')
          assert.equal(result.clearsExplicitly.includes(off), alone === off, 'option that clears')
          const deep = options.findLast((option) => option === `r${on}` || option === `r${off}`)
          assert.equal((result.recursiveAttrSet & attr) !== 0, deep === `r${on}`, 'recursive attribute that is set')
          assert.equal(
            (result.recursiveAttrClear & attr) !== 0,
            deep === `r${off}`,
            'recursive attribute that is cleared',
          )
        }
      }),
    )
  })

  it('gives the same when it is said twice', () => {
    fc.assert(
      fc.property(anyOptions, (options) => {
        const once = parseMountOptions(options)
        const twice = parseMountOptions([...options, ...options])
        assert.deepEqual([twice.flags, twice.bind, twice.recursive], [once.flags, once.bind, once.recursive])
        assert.deepEqual(
          new Set(twice.clearsExplicitly.filter((name) => /^r?(rw|dev|suid|exec)$/.test(name))),
          new Set(once.clearsExplicitly.filter((name) => /^r?(rw|dev|suid|exec)$/.test(name))),
        )
      }),
    )
  })
})
