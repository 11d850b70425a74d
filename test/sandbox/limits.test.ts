/** Limits of a sandbox that are held without a cgroup. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sandbox } from '../../src/index.ts'
import { needs } from '../fixtures/needs.ts'

const skip = needs('userns') ?? false

test('a process has so many descriptors, and cannot get more', { skip }, async () => {
  await using box = sandbox({ files: 32, cwd: '/' })
  const script = 'ulimit -Sn; ulimit -Hn; ulimit -n 64 2>/dev/null || echo refused'
  const { stdout } = await box.run(['sh', '-c', script])
  assert.equal(stdout, '32\n32\nrefused')
})

test('each private directory holds so much and no more', { skip }, async () => {
  await using box = sandbox({ disk: '1M', cwd: '/' })
  const places = '/tmp /var/tmp /run /dev /dev/shm "$HOME"'
  const script = `for place in ${places}; do
    head -c 500000 /dev/zero > "$place/fits" || echo "$place is too small"
    head -c 2000000 /dev/zero > "$place/more" 2>/dev/null && echo "$place is too large"
    true
  done`
  const { stdout } = await box.run(['sh', '-c', script])
  assert.equal(stdout, '')
})

test('limits that are none are errors', { skip }, () => {
  for (const files of [0, 3, -1, 1.5, Number.NaN]) assert.throws(() => sandbox({ files }), { code: 'sandbox-option' })
  for (const disk of [0, 4095, -1, '', 'much', '1X', Number.NaN])
    assert.throws(() => sandbox({ disk }), { code: 'sandbox-option' }, String(disk))
})
