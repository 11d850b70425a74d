import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { validate } from '../../../src/spec/validate.ts'
import { edited } from './fixtures.ts'

const rule = (more: object) => ({ names: ['mkdir'], action: 'SCMP_ACT_ERRNO', ...more })
const argument = (more: object) => rule({ args: [{ index: 0, value: 1, op: 'SCMP_CMP_EQ', ...more }] })

const findings = (seccomp: object) =>
  validate(edited((document) => (document.linux.seccomp = { defaultAction: 'SCMP_ACT_ALLOW', ...seccomp }))).map(
    ({ pointer, message }) => `${pointer.replace('/linux/seccomp', '')} ${message}`,
  )

describe('a seccomp profile', () => {
  it('is fine with all that the specification has', () => {
    const syscalls = [
      rule({ errnoRet: 38 }),
      rule({ action: 'SCMP_ACT_TRACE', errnoRet: 65535 }),
      argument({ index: 5, value: 2 ** 53 - 1, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }),
      rule({ action: 'SCMP_ACT_NOTIFY' }),
    ]
    const flags = ['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV', 'SECCOMP_FILTER_FLAG_TSYNC']
    assert.deepEqual(
      findings({ defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 1, listenerPath: '/a', flags, syscalls }),
      [],
    )
  })

  it('may have an errno only where the action carries one, and only one that the kernel returns', () => {
    assert.deepEqual(findings({ defaultErrnoRet: 1 }), [
      '/defaultErrnoRet has no meaning with SCMP_ACT_ALLOW: only SCMP_ACT_ERRNO and SCMP_ACT_TRACE carry one',
    ])
    assert.deepEqual(
      findings({ syscalls: [rule({ errnoRet: 4096 }), rule({ action: 'SCMP_ACT_KILL', errnoRet: 1 })] }),
      [
        '/syscalls/0/errnoRet must be at most 4095 with SCMP_ACT_ERRNO',
        '/syscalls/1/errnoRet has no meaning with SCMP_ACT_KILL: only SCMP_ACT_ERRNO and SCMP_ACT_TRACE carry one',
      ],
    )
  })

  it('notifies an agent that it names, and not of the calls that init needs for that', () => {
    const syscalls = [rule({ action: 'SCMP_ACT_NOTIFY' })]
    for (const listenerPath of [undefined, ''])
      assert.match(findings({ syscalls, listenerPath }).join(), /^\/listenerPath seccomp listenerPath is not set/)
    const own = [rule({ action: 'SCMP_ACT_NOTIFY', names: ['mkdir', 'write', 'sendmsg'] })]
    assert.deepEqual(findings({ syscalls: own, listenerPath: '/a' }), [
      '/syscalls/0/names/1 SCMP_ACT_NOTIFY cannot be used for the write syscall',
      '/syscalls/0/names/2 SCMP_ACT_NOTIFY cannot be used for the sendmsg syscall',
    ])
    assert.match(
      findings({ defaultAction: 'SCMP_ACT_NOTIFY' }).join(),
      /^\/defaultAction SCMP_ACT_NOTIFY cannot be used/,
    )
    assert.deepEqual(findings({ flags: ['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'] }), [
      '/flags/0 means something only with SCMP_ACT_NOTIFY',
    ])
  })

  it('looks at six arguments', () => {
    assert.deepEqual(findings({ syscalls: [argument({ index: 6 })] }), ['/syscalls/0/args/0/index must be at most 5'])
  })

  it('takes no values that a JSON number has rounded here', () => {
    assert.deepEqual(findings({ syscalls: [argument({ value: 2 ** 53, valueTwo: 2 ** 60 })] }), [
      '/syscalls/0/args/0/value must be at most 9007199254740991',
      '/syscalls/0/args/0/valueTwo must be at most 9007199254740991',
    ])
  })

  it('has flags, actions and architectures that are known', () => {
    assert.match(findings({ flags: ['SECCOMP_FILTER_FLAG_NEW'] }).join(), /^\/flags\/0 must be one of/)
    assert.match(findings({ architectures: ['x86'] }).join(), /^\/architectures\/0 must be one of/)
    assert.match(findings({ defaultAction: 'ALLOW' }).join(), /^\/defaultAction must be one of/)
  })
})
