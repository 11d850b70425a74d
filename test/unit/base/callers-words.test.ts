// The words that callers look for in our errors (podman, containerd, CRI-O, moby), and that no other error may hold.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Code, catalogue } from '../../../src/base/catalogue.ts'
import { RuntimeError, strerror } from '../../../src/base/errors.ts'

const matched: Readonly<Partial<Record<Code, RegExp>>> = {
  'container-missing': /^container does not exist/,
  'container-not-running': /^container not running/,
  'process-finished': /^os: process already finished/,
  'id-in-use': /^container with given ID already exists/,
  'exec-stopped': /^cannot exec in a stopped container/,
  'exec-paused': /^cannot exec in a paused container \(use --ignore-paused to override\)/,
  'container-not-paused': /^container not paused/,
  'exec-not-found': /^executable file not found in \$PATH/,
}

for (const [code, words] of Object.entries(matched)) {
  test(`${code} begins with the words that callers look for`, () => {
    assert.match(new RuntimeError(code as Code).message, words)
    assert.match(new RuntimeError(code as Code, { errno: 'EPERM', origin: '/x' }).message, words)
  })
}

test('errnos are worded as Go words them', () => {
  const words = {
    ENOENT: 'no such file or directory',
    EACCES: 'permission denied',
    EPERM: 'operation not permitted',
    ESRCH: 'no such process',
    ENOEXEC: 'exec format error',
    E2BIG: 'argument list too long',
    ENOTDIR: 'not a directory',
    EBUSY: 'device or resource busy',
  }
  for (const [errno, text] of Object.entries(words)) assert.equal(strerror(errno), text)
})

/** podman, conmon, containerd, CRI-O and moby tell errors apart by these, wherever in a message they stand. */
const classes: readonly (readonly [words: RegExp, codes: readonly Code[]])[] = [
  [/permission denied|operation not permitted/i, []],
  [/no such file or directory|open executable/i, []],
  [/executable file not found in/i, ['exec-not-found']],
  [/no such process/i, []],
  [/process already finished/i, ['process-finished']],
  [/container not running/i, ['container-not-running']],
  [/container with given id already exists/i, ['id-in-use']],
  [/container does not exist/i, ['container-missing']],
  [/`\/proc\/.*\/attr/, []],
]

test('no stock word of another error says one of them by accident', () => {
  for (const [words, codes] of classes)
    for (const [code, { what, why = '', fix = '' }] of Object.entries(catalogue))
      if (!codes.includes(code as Code)) assert.doesNotMatch(`${what} ${why} ${fix}`, words, code)
})
