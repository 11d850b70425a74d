import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { capabilityWords, flagWords, mountWords } from '../../../src/cli/print/flag-names.ts'
import { plain } from '../../../src/cli/print/op-words.ts'
import { printPlan, printPlanJson } from '../../../src/cli/print/plan.ts'
import { RLIM_INFINITY } from '../../../src/host/facts.ts'
import { CLONE_NEWNS, CLONE_NEWPID, MS_NODEV, MS_NOSUID, MS_PRIVATE, MS_REC } from '../../../src/kernel/constants.ts'
import type { Op, OpName, Plan } from '../../../src/kernel/plan.ts'
import { messages, opShapes } from '../../../src/kernel/plan-def.ts'
import { BIND_HELD, BIND_RECURSIVE } from '../../../src/linux/mounts/bind-flags.ts'

const ops: Op[] = [
  { op: 'unshareUser', origin: '/linux/namespaces' },
  { op: 'say', message: messages.usernsMade, origin: '/linux/uidMappings' },
  { op: 'born', flags: CLONE_NEWNS | CLONE_NEWPID, origin: '/linux/namespaces' },
  { op: 'propagate', flags: MS_PRIVATE | MS_REC, origin: '/linux/rootfsPropagation' },
  {
    op: 'mount',
    fstype: 'tmpfs',
    source: 'tmpfs',
    target: '/dev',
    flags: MS_NOSUID | MS_NODEV,
    data: 'mode=755',
    nofollow: 0,
    origin: '/mounts/1',
  },
  { op: 'mkdir', path: '/new dir', mode: 0o755, origin: '/process/cwd' },
  { op: 'rlimit', resource: 7, soft: 1024n, hard: RLIM_INFINITY, origin: '/process/rlimits/0' },
  { op: 'bounding', mask: (1n << 5n) | (1n << 21n), origin: '/process/capabilities/bounding' },
  {
    op: 'exec',
    file: 'sh',
    search: '/bin',
    argv: ['sh', '-c', 'a b'],
    env: ['PATH=/bin'],
    keepFds: 0,
    origin: '/process/args',
  },
]
const plan: Plan = { ops, degradations: [{ pointer: '/linux/resources', message: 'no cgroup may be written' }] }

describe('a plan', () => {
  it('is a table of what will be done and why', () => {
    assert.equal(
      printPlan({ ops, degradations: [] }),
      ` #  phase    op            arguments                           origin
 0  outer    unshare-user                                      /linux/namespaces
 1  outer    say           userns-made                         /linux/uidMappings
 2  birth    born          mount,pid                           /linux/namespaces
 3  inner    propagate     rprivate                            /linux/rootfsPropagation
 4  rootfs   mount         tmpfs → /dev nosuid,nodev,mode=755  /mounts/1
 5  rootfs   mkdir         "/new dir" 0755                     /process/cwd
 6  rootfs   rlimit        nofile 1024:unlimited               /process/rlimits/0
 7  process  bounding      kill,sys_admin                      /process/capabilities/bounding
 8  last     exec          sh -c "a b"                         /process/args
`,
    )
  })

  it('names below it what is had only in a weaker form', () => {
    assert.match(printPlan(plan), /\n\nweaker than asked for:\n {2}\/linux\/resources {2}no cgroup may be written\n$/)
    assert.doesNotMatch(printPlan({ ops, degradations: [] }), /weaker/)
  })

  it('says what a device is, and where a bind comes from', () => {
    const origin = '/x'
    const words = printPlan({
      ops: [
        { op: 'device', path: '/dev/null', type: 0o020000, major: 1, minor: 3, mode: 0o666, uid: 0, gid: 0, origin },
        { op: 'deviceBind', source: '/dev/sda', path: '/dev/sda', type: 0o060000, major: 8, minor: 0, origin },
        { op: 'device', path: '/dev/p', type: 0o010000, major: 0, minor: 0, mode: 0o600, uid: 1, gid: 2, origin },
        { op: 'hold', path: '/dev/tty', slot: 3, origin },
        { op: 'bind', source: '', target: '/dev/tty', flags: BIND_HELD, slot: 3, origin },
        { op: 'bind', source: '/a b', target: '/b', flags: BIND_RECURSIVE, slot: 0, origin },
      ],
      degradations: [],
    })
    const shown = words.split('\n').map((line) => line.replace(/^ *\d+ +rootfs +[a-z-]+ +/, '').replace(/ +\/x$/, ''))
    assert.deepEqual(shown.slice(1, -1), [
      '/dev/null char 1:3 0666 0:0',
      '/dev/sda block 8:0',
      '/dev/p fifo 0600 1:2',
      '/dev/tty as 3',
      'held 3 → /dev/tty',
      '"/a b" → /b recursive',
    ])
  })

  it('is JSON with nothing lost', () => {
    const parsed = JSON.parse(printPlanJson(plan))
    assert.deepEqual(parsed.degradations, plan.degradations)
    assert.equal(parsed.ops.length, ops.length)
    assert.deepEqual(parsed.ops[6], {
      op: 'rlimit',
      phase: 'rootfs',
      origin: '/process/rlimits/0',
      resource: 7,
      soft: 1024,
      hard: '18446744073709551615',
    })
  })

  it('can be printed whatever op it holds', () => {
    const samples = { U64: 1, STR: 'text', LIST: ['one', 'two'] }
    for (const [name, { args }] of Object.entries(opShapes) as [OpName, (typeof opShapes)[OpName]][]) {
      const op = {
        op: name,
        origin: '/x',
        ...Object.fromEntries(args.map(([arg, kind]) => [arg, samples[kind]])),
      } as unknown as Op
      const text = printPlan({ ops: [op], degradations: [] })
      assert.doesNotMatch(text, /undefined|\[object|NaN/, name)
    }
  })
})

describe('words for numbers', () => {
  it('keep a flag that has no word', () => {
    assert.equal(flagWords(MS_NOSUID | 0x4000_0000, mountWords), 'nosuid,0x40000000')
    assert.equal(flagWords(0, mountWords), '')
  })

  it('name capabilities, or say none or all', () => {
    assert.equal(capabilityWords(0n), 'none')
    assert.equal(capabilityWords((1n << 41n) - 1n), 'all')
    assert.equal(capabilityWords((1n << 50n) | 1n), 'chown,0x4000000000000')
  })
})

it('text of a configuration cannot move the cursor or pretend to be two words', () => {
  assert.equal(plain('/usr/bin/ls'), '/usr/bin/ls')
  for (const text of ['', 'a b', 'a\u001b[2J', 'a"b', 'a\nb', '\u202eabc']) {
    assert.match(plain(text), /^"[^\p{C}]*"$/u, JSON.stringify(text))
  }
})
