/** What a hostile command tries, and which levels stop it. test/fixtures/attacks.py holds the attacks, docs/levels.md the table. */

/** The levels that a machine can be made to have; U2 and U3 stop what U1 stops. */
export const attackedLevels = ['R', 'N', 'U1', 'U0', 'L'] as const
export type AttackedLevel = (typeof attackedLevels)[number]

export interface AttackRow {
  readonly id: string
  readonly title: string
  /** Levels that do not stop it, with the reason that the docs give. */
  readonly open?: { readonly at: readonly AttackedLevel[]; readonly why: string }
  /** Outside of a sandbox even an unprivileged user cannot do it, or not on every machine. */
  readonly harmless?: true
}

const namespaced = ['R', 'N', 'U1', 'U0'] as const

const unprotected = {
  at: ['L'],
  why: 'Landlock only adds rights, so it is refused there unless `--accept protect`',
} as const

export const attackRows: readonly AttackRow[] = [
  { id: 'read-secret', title: 'read a key in a private place (the home)' },
  { id: 'read-hidden', title: 'read what was hidden in a directory that is shown' },
  { id: 'write-outside', title: 'write to a file outside of the writable paths' },
  { id: 'create-outside', title: 'create a file there' },
  { id: 'remove-outside', title: 'move a file away from there' },
  { id: 'truncate-outside', title: 'truncate a file there' },
  { id: 'chmod-outside', title: 'change the mode of a file there' },
  { id: 'touch-outside', title: 'change the dates of a file there' },
  { id: 'flags-outside', title: 'change the flags of a file there (chattr)', harmless: true },
  {
    id: 'watch-private',
    title: 'be told of what happens in a private place (inotify)',
    open: {
      at: ['L'],
      why: 'Landlock does not ask: names of what is opened and changed there can be seen, as sizes and dates can',
    },
  },
  { id: 'link-to-secret', title: 'reach a key by a hard or symbolic link in a writable path' },
  { id: 'git-hook', title: 'write a git hook of a writable project', open: unprotected },
  { id: 'git-hook-by-rename', title: 'move .git away and make another one', open: unprotected },
  { id: 'git-config', title: 'write to .git/config of a writable project', open: unprotected },
  { id: 'own-policy', title: 'change the policy of a writable project (.usnea.toml)', open: unprotected },
  {
    id: 'ci-file',
    title: 'make a CI workflow in a writable project that has none',
    open: { at: attackedLevels, why: 'a name that does not exist cannot be held without making it on the host' },
  },
  { id: 'unix-socket-private', title: 'connect to a unix socket in a private place' },
  {
    id: 'unix-socket-visible',
    title: 'connect to a unix socket in a directory that is shown',
    open: { at: namespaced, why: 'a read-only mount does not stop it' },
  },
  {
    id: 'unix-datagram-pair',
    title: 'send a datagram to such a socket from one of a pair',
    open: { at: namespaced, why: 'a read-only mount does not stop it' },
  },
  {
    id: 'descriptor-given',
    title: 'read a key by a descriptor that a server at such a socket hands over (SCM_RIGHTS)',
    open: { at: namespaced, why: 'a descriptor is a right that its giver passes on: `--hide` the socket' },
  },
  { id: 'unix-socket-abstract', title: 'connect to an abstract unix socket' },
  { id: 'tcp-loopback', title: 'connect to a server on the loopback of the host' },
  { id: 'udp-out', title: 'send a datagram out' },
  { id: 'sockets-of-host', title: 'list the sockets of the host (netlink)' },
  { id: 'metadata-address', title: 'connect to the metadata address of a cloud, 169.254.169.254' },
  { id: 'vsock', title: 'make a socket of an odd family (vsock)', harmless: true },
  { id: 'signal-process', title: 'signal another process of the same user' },
  { id: 'trace-process', title: 'trace it', harmless: true },
  { id: 'process-memory', title: 'open its memory in /proc', harmless: true },
  { id: 'process-environment', title: 'read its environment in /proc' },
  { id: 'process-root', title: 'read a key through its root in /proc' },
  { id: 'process-limits', title: 'set its resource limits' },
  { id: 'process-affinity', title: 'bind it to processors' },
  { id: 'process-priority', title: 'lower its priority' },
  { id: 'process-read', title: 'read its memory (process_vm_readv)', harmless: true },
  { id: 'process-descriptor', title: 'take a descriptor of it (pidfd_getfd)', harmless: true },
  { id: 'process-files', title: 'see what it has open' },
  { id: 'process-compare', title: 'compare what it has open with our own (kcmp)', harmless: true },
  { id: 'process-namespaces', title: 'join its namespaces (setns)', harmless: true },
  { id: 'watcher-ended', title: 'stop or kill the process that watches over the command', harmless: true },
  { id: 'watcher-opened', title: 'open its memory or its program, or trace it', harmless: true },
  { id: 'shared-memory', title: 'find its System V shared memory' },
  { id: 'terminal-input', title: 'type into the terminal (TIOCSTI)' },
  { id: 'console-input', title: 'paste into the console (TIOCLINUX)' },
  { id: 'setuid-program', title: 'become root by a setuid program' },
  { id: 'foreign-group', title: 'get a group by setgroups, newgrp or a setgid program' },
  { id: 'user-namespace', title: 'make a user namespace' },
  { id: 'user-namespace-by-clone3', title: 'make one where no filter sees the flags (clone3)' },
  { id: 'older-calls', title: 'call the kernel by its gate of 32 bits (int 0x80)', harmless: true },
  { id: 'x32-calls', title: 'call it by the numbers of x32', harmless: true },
  { id: 'mount', title: 'mount a file system', harmless: true },
  { id: 'mount-by-parts', title: 'mount one by the newer calls (fsopen, open_tree)', harmless: true },
  { id: 'kernel-keys', title: "add a key to the user's keyring" },
  { id: 'user-keyring', title: "find the user's keyring" },
  { id: 'session-keyring', title: 'find the keyring of the session' },
  { id: 'perf-events', title: 'count what the kernel does (perf_event_open)', harmless: true },
  {
    id: 'history-calls',
    title: 'use quotactl, syslog, kexec_load, init_module, reboot, swapon, acct or fanotify_init',
    harmless: true,
  },
  { id: 'bpf', title: 'load a program into the kernel (bpf)', harmless: true },
  { id: 'io-uring', title: 'use io_uring', harmless: true },
  { id: 'userfaultfd', title: 'use userfaultfd', harmless: true },
  { id: 'file-handle', title: 'open a file by its handle', harmless: true },
  { id: 'descriptor-table', title: 'make segments of its own (modify_ldt)', harmless: true },
  {
    id: 'fixed-addresses',
    title: 'run a program at addresses that are known (personality)',
    open: { at: attackedLevels, why: 'it weakens nobody but the command itself, and debuggers need it' },
  },
  {
    id: 'memory-program',
    title: 'run a program that is no file (memfd_create)',
    open: { at: attackedLevels, why: 'it can do no more than one that the command has written to a file' },
  },
  {
    id: 'memory-of-machine',
    title: 'fill the memory of the machine by way of private places',
    harmless: true,
    open: {
      at: namespaced,
      why: 'each holds half of the memory; `--disk`, and `--memory` where it is held, bound them',
    },
  },
  { id: 'kernel-addresses', title: 'see where the kernel lies, or its memory (kallsyms, kcore)', harmless: true },
  { id: 'kernel-parameters', title: 'write to /proc/sys', harmless: true },
  { id: 'control-group', title: 'write to a control group', harmless: true },
  { id: 'real-time', title: 'become real time', harmless: true },
  { id: 'sysrq', title: 'write to /proc/sysrq-trigger', harmless: true },
  { id: 'device-node', title: 'open a disk, or memory, or make a device node', harmless: true },
  { id: 'outlive', title: 'leave a process behind that outlives the run' },
]
