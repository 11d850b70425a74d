import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CAP_SYS_ADMIN, CAP_SYS_CHROOT } from '../../../../src/kernel/constants.ts'
import { joinOrder } from '../../../../src/linux/namespaces/order.ts'

test('the user namespace comes last for who has the power to enter the others, and first for who gets it there', () => {
  const others = ['ipc', 'uts', 'network', 'pid', 'cgroup', 'time']
  assert.deepEqual(joinOrder({ capEffective: CAP_SYS_ADMIN | CAP_SYS_CHROOT }), [...others, 'mount', 'user'])
  assert.deepEqual(joinOrder({ capEffective: CAP_SYS_ADMIN }), [...others, 'user', 'mount'])
  assert.deepEqual(joinOrder({ capEffective: CAP_SYS_CHROOT }), ['user', ...others, 'mount'])
})
