// Needs nothing: what the doctor says of fuse-overlayfs.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fuseFinding } from '../../../src/doctor/beside.ts'
import { aHost } from '../host/literal.ts'

test('without the program it is a loss only where the kernel has no overlay', () => {
  const host = aHost({ fuseOverlayfs: undefined })
  const needed = fuseFinding(host, 'weak')
  assert.equal(needed.status, 'weak')
  assert.equal(needed.code, 'layer-backend')
  assert.match(needed.fix ?? '', /install it/)
  const spare = fuseFinding(host, 'ok')
  assert.equal(spare.status, 'ok')
  assert.match(spare.what, /not needed, as the kernel has overlays: fuse-overlayfs is not installed/)
  assert.equal(fuseFinding(host, 'unknown').status, 'unknown')
})
