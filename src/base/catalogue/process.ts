/** Stock words of errors: the process. */
import type { CatalogueEntry } from './entry.ts'

export const process = {
  'setup-failed': { what: 'the container cannot be set up' },
  'rlimit-raise': {
    what: 'error setting a resource limit',
    why: 'only real root may raise a hard limit',
    fix: 'lower it in config.json, or raise it in the session before (ulimit -H, limits.conf)',
  },
  'cwd-missing': { what: 'cannot change to the working directory of the process' },
  'cwd-outside': {
    what: 'the working directory is outside of the container',
    why: 'the path leads through a descriptor or link to a place outside the root',
    fix: 'set process.cwd to a path inside the root',
  },
  'exec-not-found': {
    what: 'executable file not found in $PATH',
    fix: 'check process.args[0] and the PATH in process.env',
  },
  'exec-interpreter': { what: 'the interpreter of the program does not exist' },
  'exec-denied': { what: 'the program cannot be executed' },
  'exec-failed': { what: 'the program cannot be executed' },
  'hook-failed': {
    what: 'a hook failed',
    fix: 'run the hook by hand with the state on its stdin, or remove it from config.json',
  },
  'hook-timeout': { what: 'a hook ran past its timeout', fix: 'raise its timeout in config.json, or mend the hook' },
  'preserve-fds': { what: 'please check that the preserved file descriptors are open' },
  'terminal-failed': { what: 'cannot open a terminal in the container' },
  'terminal-socket': { what: 'a terminal and the socket for it do not belong together' },
  'socket-failed': { what: 'a descriptor could not be handed over' },
  'seccomp-failed': { what: 'the seccomp filter could not be loaded' },
  'seccomp-agent': {
    what: 'the seccomp agent does not take the listener',
    fix: 'start the agent that listens at linux.seccomp.listenerPath first, and keep it reading',
  },
  'notify-failed': {
    what: 'NOTIFY_SOCKET cannot be passed on to the container',
    fix: 'unset NOTIFY_SOCKET to run it without',
  },
  'pid-file': { what: 'the pid file cannot be written' },
  interrupted: {
    what: 'interrupted by a signal',
    why: 'it came before the program ran',
    fix: 'call it again: nothing was left behind',
  },
  'init-died': { what: 'the container ended before it was set up' },
  'kill-failed': { what: 'the signal could not be sent' },
  'signal-unknown': { what: 'unknown signal', fix: 'use a name such as TERM or RTMIN+3, or a number up to 64' },
  'ps-missing': {
    what: 'the host has no ps program',
    fix: 'install procps, or use: usnea ps --format json ID',
  },
  'ps-failed': { what: 'the ps program of the host failed' },
} as const satisfies Record<string, CatalogueEntry>
