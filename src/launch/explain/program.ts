/** The working directory and the program itself. */
import type { Attempt, Cause, Table } from './entry.ts'
import { refusedLabel } from './labels.ts'
import { nprocCause } from './limits.ts'
import { refusals } from './refusal.ts'

type Names = 'cwd' | 'lookup' | 'exec'

const hasSlash = ({ op }: Attempt<'lookup' | 'exec'>): boolean => op.file.includes('/')

const execWords = ({ op }: Attempt<'lookup' | 'exec'>): string => `exec: "${op.file}"`

const outside: Cause<'cwd' | 'exec'> = {
  errno: ['EXDEV', 'ERANGE'],
  code: 'cwd-outside',
  what: ({ op }) => `the working directory${op.op === 'cwd' ? ` ${op.path}` : ''} is outside of the container`,
  why: 'the path leads through a descriptor or link to a place outside the root',
  fix: 'set process.cwd to a path inside the root',
  saysErrno: true,
}

const searchText = (search: string): string =>
  search === ''
    ? 'PATH of the process is empty'
    : `it is in no directory of the PATH of the process, which is ${search}`

const findCauses: readonly Cause<'lookup' | 'exec'>[] = [
  {
    errno: 'ENOENT',
    when: (attempt) => !hasSlash(attempt),
    code: 'exec-not-found',
    what: (attempt) => `${execWords(attempt)}: executable file not found in $PATH`,
    saysErrno: true,
    why: ({ op }) => searchText(op.search),
    fix: 'install it in the image, or correct process.args[0] or the PATH in process.env',
  },
  {
    errno: 'ENOENT',
    when: ({ op }) => op.op === 'lookup',
    code: 'exec-not-found',
    what: (attempt) => `${execWords(attempt)}: stat ${attempt.op.file}`,
    why: 'the file is not in the root of the container',
    fix: 'install it in the image, or correct process.args[0]',
  },
  {
    errno: 'ENOENT',
    code: 'exec-not-found',
    what: (attempt) => `${execWords(attempt)}: stat ${attempt.op.file}`,
    why: 'the file is missing, or the interpreter that its first line or its ELF header names is',
    fix: 'install the file and its interpreter (ldd or file shows which) in the image',
  },
  { errno: 'ENOTDIR', code: 'exec-not-found', why: 'a part of the path is a file', fix: 'correct process.args[0]' },
  {
    errno: 'EACCES',
    why: 'probably the file has no x bit for the user of the process, lies on a mount with noexec, or below a directory closed to that user',
    fix: 'chmod +x it in the image, or remove noexec from the mount',
  },
  {
    // execve(2) says EACCES of a directory, and engines know what to make of these words only.
    errno: 'EISDIR',
    what: (attempt) => `${execWords(attempt)}: permission denied`,
    saysErrno: true,
    why: 'it is a directory',
    fix: 'let process.args[0] name a program',
  },
]

const runCauses: readonly Cause<'exec'>[] = [
  {
    errno: 'ENOEXEC',
    code: 'exec-failed',
    why: ({ host }) =>
      `probably it was built for another processor than this one (${host.arch}), or is a script without #! in its first line`,
    fix: 'use an image for this processor, or add a first line such as #!/bin/sh',
  },
  {
    errno: 'E2BIG',
    code: 'exec-failed',
    why: 'arguments and environment together pass the limit (a quarter of RLIMIT_STACK; 128 KiB for a single one)',
    fix: 'shorten process.args and process.env, or raise RLIMIT_STACK',
  },
  { errno: 'ETXTBSY', code: 'exec-failed', why: 'someone has the file open for writing', fix: 'close it first' },
  {
    errno: ['ELIBBAD', 'EINVAL'],
    code: 'exec-failed',
    why: 'the file, or the loader that it names, is damaged',
    fix: 'unpack the image again',
  },
  refusedLabel,
  ...refusals,
  {
    errno: 'EPERM',
    why: 'probably the file has capabilities that the bounding set of the process lacks',
    fix: 'add them to process.capabilities.bounding, or remove them from the file: setcap -r FILE',
  },
  { ...nprocCause, code: 'userns-nproc' },
]

/** init tells which file it found; before that, none was. */
const interpreter: Cause<'exec'> = {
  errno: 'ENOENT',
  when: ({ detail }) => detail.startsWith('/'),
  code: 'exec-interpreter',
  what: ({ detail }) => `exec ${detail}`,
  why: 'the file is there, but not the interpreter that its first line or its ELF header names',
  fix: 'install the interpreter in the image (ldd or file shows which), or correct the first line',
}

export const explainProgram: Table<Names> = {
  cwd: {
    code: 'cwd-missing',
    what: ({ op }) => `cannot change to the working directory: chdir to cwd ("${op.path}")`,
    causes: [
      outside,
      {
        errno: 'ENOENT',
        why: 'the root of the container has no such directory',
        fix: ({ op }) => `make ${op.path} in the image, or set process.cwd to another directory`,
      },
      {
        errno: 'EACCES',
        why: 'it, or a directory on the way, is closed to the user of the process',
        fix: 'chmod o+x it in the image, or set process.cwd to /',
      },
      { errno: 'ENOTDIR', why: 'a part of the path is a file', fix: 'set process.cwd to a directory' },
    ],
  },
  lookup: { code: 'exec-denied', what: execWords, causes: findCauses },
  exec: {
    code: 'exec-denied',
    what: execWords,
    causes: [outside, interpreter, ...findCauses, ...runCauses],
    saysDetail: true,
  },
}
