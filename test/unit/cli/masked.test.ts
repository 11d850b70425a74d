import assert from 'node:assert/strict'
import { it } from 'node:test'
import { withoutValues } from '../../../src/cli/masked.ts'

it('values of variables are masked in every spelling, and nothing else', () => {
  const masked = (line: string) => withoutValues(line.split(' '))?.join(' ')
  assert.equal(masked('--env=A=secret -- cmd --env=B=1'), '--env=A=… -- cmd --env=B=1')
  assert.equal(masked('-env=A=secret x'), '-env=A=… x')
  assert.equal(masked('exec -e A=secret box ls'), 'exec -e A=… box ls')
  assert.equal(masked('exec -te A=sec=ret box ls'), 'exec -te A=… box ls')
  assert.equal(masked('exec --env A=secret --env B box ls'), 'exec --env A=… --env B box ls')
  assert.equal(masked('-e=A=secret -- cmd'), '-e=A=… -- cmd')
  for (const line of ['--env A -- cmd', 'run -d box', '--rw=a=b -- cmd', 'list', 'exec box env A=1'])
    assert.equal(masked(line), undefined, line)
  assert.deepEqual(withoutValues(['--env', 'A=several\nlines']), ['--env', 'A=…'])
})
