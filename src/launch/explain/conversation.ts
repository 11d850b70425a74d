/** What init says and waits for, and the programs it runs on the way. */
import { messages } from '../../kernel/plan-def.ts'
import { hookName } from '../../linux/hooks/name.ts'
import { ANY, type Attempt, type Cause, type Table } from './entry.ts'

type Names = 'say' | 'wait' | 'hook' | 'reap' | 'gate' | 'finish' | 'rest'

function messageName(number: bigint | number): string {
  const found = Object.entries(messages).find(([, value]) => value === Number(number))
  return found?.[0].replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`) ?? `message ${number}`
}

const parentGone: Cause<'say' | 'wait' | 'gate' | 'rest'> = {
  errno: ['ECONNRESET', 'EPIPE', 'EBADF', 'ENOTCONN'],
  why: 'the usnea that started it has ended',
  fix: 'usnea delete --force ID, then create again; look for why it ended with: sudo dmesg',
}

const otherBuild: Cause<'say' | 'wait' | 'gate' | 'rest'> = {
  errno: 'EPROTO',
  code: 'plan-refused',
  why: 'it got another answer than its plan says; probably the library and init are of different builds',
  fix: 'run npm run build again, or reinstall the package',
}

const hookWords = (attempt: Attempt<'hook'>): string =>
  `error running ${hookName(attempt.op.origin)}: ${attempt.op.path}`

const hookCauses: readonly Cause<'hook'>[] = [
  {
    errno: 'ETIMEDOUT',
    code: 'hook-timeout',
    what: (attempt) =>
      `${hookWords(attempt)}: hook ran past specified timeout of ${(Number(attempt.op.timeoutMs) / 1000).toFixed(1)}s`,
    saysErrno: true,
    why: 'it was killed, with every process of its group',
    fix: 'raise its timeout (seconds), or find out what it waits for: its state comes on stdin',
  },
  {
    errno: ['ECHILD', '', '0', 'errno 0'],
    saysErrno: true,
    why: 'the hook itself failed; what it wrote is part of this message',
    fix: ({ op }) => `run it by hand: ${op.path} with the container state as JSON on stdin`,
  },
  {
    errno: 'ENOENT',
    why: 'it, or the interpreter that it names, is missing (createContainer hooks are looked up on the host, startContainer hooks in the container)',
    fix: 'install it there, or correct its path',
  },
  {
    errno: 'EACCES',
    why: 'probably it has no x bit, or lies on a mount with noexec',
    fix: ({ op }) => `chmod +x ${op.path}`,
  },
  {
    errno: 'ENOEXEC',
    why: 'probably it is a script without #! in its first line',
    fix: 'add a first line such as #!/bin/sh',
  },
]

export const explainConversation: Table<Names> = {
  say: { code: 'init-died', what: ({ op }) => `init could not say "${messageName(op.message)}"`, causes: [parentGone] },
  wait: {
    code: 'init-died',
    what: ({ op }) => `init waited for "${messageName(op.message)}" in vain`,
    causes: [parentGone, otherBuild],
  },
  gate: {
    code: 'init-died',
    what: 'init waited for the start of the container in vain',
    causes: [parentGone, otherBuild],
  },
  hook: { code: 'hook-failed', what: hookWords, causes: hookCauses },
  reap: {
    code: 'setup-failed',
    what: 'cannot start the command beside the first process of the sandbox (fork)',
    causes: [],
  },
  rest: {
    code: 'init-died',
    what: 'a sandbox that was ready could not take over its command',
    causes: [parentGone, otherBuild],
  },
  finish: {
    code: 'internal',
    what: 'init could not end',
    causes: [{ errno: ANY, why: 'exit cannot fail', fix: 'please report it' }],
  },
}
