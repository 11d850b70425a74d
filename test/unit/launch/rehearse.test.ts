// Needs nothing: the part of a plan that only makes the places for mounts.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Op } from '../../../src/kernel/plan.ts'
import { messages } from '../../../src/kernel/plan-def.ts'
import { rehearsal } from '../../../src/launch/rehearse.ts'

const origin = '/x'
const op = (rest: object): Op => ({ origin, ...rest }) as Op

describe('a rehearsal', () => {
  const plan = [
    op({ op: 'oomScore', score: 1 }),
    op({ op: 'unshareUser' }),
    op({ op: 'say', message: messages.usernsMade }),
    op({ op: 'wait', message: messages.mapsWritten }),
    op({ op: 'born', flags: 0 }),
    op({ op: 'wait', message: messages.placed }),
    op({ op: 'keyring', label: '' }),
    op({ op: 'propagate', flags: 0 }),
    op({ op: 'root', path: '/r', dev: 1, ino: 2 }),
    op({ op: 'bind', source: '/s', target: '/t', flags: 0, slot: 0 }),
    op({ op: 'terminal', uid: 0, width: 0, height: 0, plainNewlines: 0 }),
    op({ op: 'sysctl', key: 'k', value: 'v' }),
    op({ op: 'say', message: messages.rootfsBuilt }),
    op({ op: 'wait', message: messages.hooksRun }),
    op({ op: 'hook', path: '/h', args: [], env: [], timeoutMs: 0 }),
    op({ op: 'pivot', way: 0, hidden: [] }),
    op({ op: 'umask', mask: 0 }),
    op({ op: 'exec', file: 'a', search: '', argv: [], env: [], keepFds: 0 }),
  ]

  it('has the namespaces and the mounts, and then ends', () => {
    assert.deepEqual(
      rehearsal({ ops: plan, degradations: [] }).ops.map(({ op: name }) => name),
      ['unshareUser', 'say', 'wait', 'born', 'propagate', 'root', 'bind', 'pivot', 'finish'],
    )
  })
})
