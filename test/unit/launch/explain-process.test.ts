// Users, limits, the program and its hooks: each way they fail, with the machine they fail on and the whole message.
import { aHost, nestedRoot, noSubIds, realRoot } from '../host/literal.ts'
import { explains, failed } from './failures.ts'

const usr = (groups: string[] = []) =>
  ({ op: 'user', uid: 70000, gid: 70001, setGroups: 1, groups, origin: '/process/user' }) as const
const exec = (file: string) =>
  ({ op: 'exec', file, search: '/usr/bin:/bin', argv: [file], env: [], keepFds: 0, origin: '/process/args' }) as const
const lookup = (file: string, search = '/usr/bin:/bin') =>
  ({ op: 'lookup', file, search, origin: '/process/args/0' }) as const
const hook = {
  op: 'hook',
  path: '/usr/bin/h',
  args: ['h'],
  env: [],
  timeoutMs: 5000,
  origin: '/hooks/createContainer/0',
} as const

explains([
  [
    'sysctl',
    failed(
      { op: 'sysctl', key: 'net/ipv4/ip_forward', value: '1', origin: '/linux/sysctl/net.ipv4.ip_forward' },
      'EACCES',
      aHost(),
    ),
    'setup-failed',
    'cannot set the kernel parameter /proc/sys/net/ipv4/ip_forward to "1": permission denied (/linux/sysctl/net.ipv4.ip_forward); cause: it belongs to the host, or the container has no network namespace of its own; fix: remove it from linux.sysctl, or set it on the host: sudo sysctl -w',
  ],
  [
    'uid',
    failed(usr(), 'EINVAL', aHost(), 'setuid'),
    'user-unmapped',
    'cannot setuid to unmapped uid 70000 in user namespace: invalid argument (/process/user); cause: the map of the container has no user 70000; fix: sudo usermod --add-subuids 165536-231071 --add-subgids 165536-231071 alice, then create the container again',
  ],
  [
    'gid',
    failed(usr(), 'EINVAL', aHost({ subIds: noSubIds }), 'setgid'),
    'user-unmapped',
    'cannot setgid to unmapped gid 70001 in user namespace: invalid argument (/process/user); cause: the map of the container has no group 70001; fix: sudo usermod --add-subuids 100000-170000 --add-subgids 100000-170000 alice, then create the container again',
  ],
  [
    'uid without helper',
    failed(usr(), 'EINVAL', aHost({ newuidmap: undefined }), 'setuid'),
    'user-unmapped',
    'cannot setuid to unmapped uid 70000 in user namespace: invalid argument (/process/user); cause: the map of the container has no user 70000; fix: sudo apt-get install uidmap, or sudo dnf install shadow-utils and sudo usermod --add-subuids 165536-231071 --add-subgids 165536-231071 alice (newuidmap was not found); or use the user 0 of the container',
  ],
  [
    'uid nested',
    failed(usr(), 'EINVAL', nestedRoot(), 'setuid'),
    'user-unmapped',
    'cannot setuid to unmapped uid 70000 in user namespace: invalid argument (/process/user); cause: the map of the container has no user 70000; fix: add a line for 70000 to linux.uidMappings (we may map 0, 1-65536)',
  ],
  [
    'groups denied',
    failed(usr(['4']), 'EPERM', aHost({ subIds: noSubIds }), 'setgroups'),
    'groups-denied',
    'cannot set any additional groups in a rootless container: operation not permitted (/process/user); cause: setgroups is denied in the user namespace: only one group id is mapped, or the namespace around us denies it; fix: sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 alice, with newgidmap installed; or remove additionalGids',
  ],
  [
    'groups unmapped',
    failed(usr(['4', '90000']), 'EINVAL', aHost(), 'setgroups'),
    'user-unmapped',
    'cannot set additional groups to unmapped gids in user namespace (setgroups 4 90000): invalid argument (/process/user); cause: one of them is not mapped in the user namespace of the container; fix: sudo usermod --add-subuids 165536-231071 --add-subgids 165536-231071 alice, then create the container again',
  ],
  [
    'rlimit',
    failed(
      { op: 'rlimit', resource: 7, soft: 8192n, hard: 0xffff_ffff_ffff_ffffn, origin: '/process/rlimits/0' },
      'EPERM',
      aHost(),
    ),
    'rlimit-raise',
    'error setting rlimit type 7 (RLIMIT_NOFILE) to 8192 soft, unlimited hard: operation not permitted (/process/rlimits/0); cause: only CAP_SYS_RESOURCE in the initial user namespace may raise a hard limit above our own, which is 4096; fix: lower it in config.json, or raise it in the session before (ulimit -H, limits.conf; systemd: LimitNOFILE= and its kin)',
  ],
  [
    'rlimit of a root without CAP_SYS_RESOURCE',
    failed(
      { op: 'rlimit', resource: 7, soft: 8192n, hard: 8192n, origin: '/process/rlimits/0' },
      'EPERM',
      realRoot({ capEffective: 0x1fffeffffffn }),
    ),
    'rlimit-raise',
    'error setting rlimit type 7 (RLIMIT_NOFILE) to 8192 soft, 8192 hard: operation not permitted (/process/rlimits/0); cause: only CAP_SYS_RESOURCE in the initial user namespace may raise a hard limit above our own, which is 4096; fix: lower it in config.json, or raise it in the session before (ulimit -H, limits.conf; systemd: LimitNOFILE= and its kin)',
  ],
  [
    'oom',
    failed(
      { op: 'oomScore', score: -500n, origin: '/process/oomScoreAdj' },
      'EACCES',
      aHost({ oomScoreAdj: 100 }),
      'write /proc/self/oom_score_adj',
    ),
    'setup-failed',
    'cannot set the OOM score to -500 (/proc/self/oom_score_adj): permission denied (/process/oomScoreAdj); cause: only real root may go below our own score, which is 100; fix: set process.oomScoreAdj to 100 or more',
  ],
  [
    'caps',
    failed(
      { op: 'caps', effective: 1n << 21n, permitted: 3n, inheritable: 0, ambient: 0, origin: '/process/capabilities' },
      'EPERM',
      aHost(),
    ),
    'setup-failed',
    'cannot set the capabilities (effective CAP_SYS_ADMIN; permitted CAP_CHOWN, CAP_DAC_OVERRIDE): operation not permitted (/process/capabilities); cause: effective or ambient has one that permitted does not have, or permitted has one that we do not hold; fix: list in permitted (and for ambient also in inheritable) what the other sets have; drop what the outer container does not have',
  ],
  [
    'cwd missing',
    failed({ op: 'cwd', path: '/app', lenient: 0, origin: '/process/cwd' }, 'ENOENT', aHost()),
    'cwd-missing',
    'cannot change to the working directory: chdir to cwd ("/app"): no such file or directory (/process/cwd); cause: the root of the container has no such directory; fix: make /app in the image, or set process.cwd to another directory',
  ],
  [
    'cwd closed',
    failed({ op: 'cwd', path: '/app', lenient: 0, origin: '/process/cwd' }, 'EACCES', aHost()),
    'cwd-missing',
    'cannot change to the working directory: chdir to cwd ("/app"): permission denied (/process/cwd); cause: it, or a directory on the way, is closed to the user of the process; fix: chmod o+x it in the image, or set process.cwd to /',
  ],
  [
    'cwd outside',
    failed({ op: 'cwd', path: '/proc/self/fd/7', lenient: 0, origin: '/process/cwd' }, 'EXDEV', aHost()),
    'cwd-outside',
    'the working directory /proc/self/fd/7 is outside of the container (/process/cwd); cause: the path leads through a descriptor or link to a place outside the root; fix: set process.cwd to a path inside the root',
  ],
  [
    'exec cwd outside',
    failed(exec('sh'), 'EXDEV', aHost(), 'cwd'),
    'cwd-outside',
    'the working directory is outside of the container (/process/args); cause: the path leads through a descriptor or link to a place outside the root; fix: set process.cwd to a path inside the root',
  ],
  [
    'lookup',
    failed(lookup('nope'), 'ENOENT', aHost()),
    'exec-not-found',
    'exec: "nope": executable file not found in $PATH (/process/args/0); cause: it is in no directory of the PATH of the process, which is /usr/bin:/bin; fix: install it in the image, or correct process.args[0] or the PATH in process.env',
  ],
  [
    'lookup no path',
    failed(lookup('nope', ''), 'ENOENT', aHost()),
    'exec-not-found',
    'exec: "nope": executable file not found in $PATH (/process/args/0); cause: PATH of the process is empty; fix: install it in the image, or correct process.args[0] or the PATH in process.env',
  ],
  [
    'lookup slash',
    failed(lookup('/bin/nope'), 'ENOENT', aHost()),
    'exec-not-found',
    'exec: "/bin/nope": stat /bin/nope: no such file or directory (/process/args/0); cause: the file is not in the root of the container; fix: install it in the image, or correct process.args[0]',
  ],
  [
    'exec interpreter',
    failed(exec('/bin/script'), 'ENOENT', aHost()),
    'exec-not-found',
    'exec: "/bin/script": stat /bin/script: no such file or directory (/process/args); cause: the file is missing, or the interpreter that its first line or its ELF header names is; fix: install the file and its interpreter (ldd or file shows which) in the image',
  ],
  [
    'exec interpreter of a file that was found',
    failed(exec('script'), 'ENOENT', aHost(), '/usr/bin/script'),
    'exec-interpreter',
    'exec /usr/bin/script: no such file or directory (/process/args); cause: the file is there, but not the interpreter that its first line or its ELF header names; fix: install the interpreter in the image (ldd or file shows which), or correct the first line',
  ],
  [
    'exec denied',
    failed(exec('/etc/passwd'), 'EACCES', aHost()),
    'exec-denied',
    'exec: "/etc/passwd": permission denied (/process/args); cause: probably the file has no x bit for the user of the process, lies on a mount with noexec, or below a directory closed to that user; fix: chmod +x it in the image, or remove noexec from the mount',
  ],
  [
    'exec format',
    failed(exec('/bin/arm'), 'ENOEXEC', aHost()),
    'exec-failed',
    'exec: "/bin/arm": exec format error (/process/args); cause: probably it was built for another processor than this one (x64), or is a script without #! in its first line; fix: use an image for this processor, or add a first line such as #!/bin/sh',
  ],
  [
    'exec big',
    failed(exec('sh'), 'E2BIG', aHost()),
    'exec-failed',
    'exec: "sh": argument list too long (/process/args); cause: arguments and environment together pass the limit (a quarter of RLIMIT_STACK; 128 KiB for a single one); fix: shorten process.args and process.env, or raise RLIMIT_STACK',
  ],
  [
    'hook status',
    failed(hook, 'ECHILD', aHost(), 'exit status 3: boom'),
    'hook-failed',
    'error running createContainer hook #0: /usr/bin/h: exit status 3: boom (/hooks/createContainer/0); cause: the hook itself failed; what it wrote is part of this message; fix: run it by hand: /usr/bin/h with the container state as JSON on stdin',
  ],
  [
    'hook errno 0',
    failed(hook, '0', aHost(), 'exit status 3: boom'),
    'hook-failed',
    'error running createContainer hook #0: /usr/bin/h: exit status 3: boom (/hooks/createContainer/0); cause: the hook itself failed; what it wrote is part of this message; fix: run it by hand: /usr/bin/h with the container state as JSON on stdin',
  ],
  [
    'hook timeout',
    failed(hook, 'ETIMEDOUT', aHost(), ''),
    'hook-timeout',
    'error running createContainer hook #0: /usr/bin/h: hook ran past specified timeout of 5.0s (/hooks/createContainer/0); cause: it was killed, with every process of its group; fix: raise its timeout (seconds), or find out what it waits for: its state comes on stdin',
  ],
  [
    'wait',
    failed({ op: 'wait', message: 6, origin: '/hooks' }, 'EPROTO', aHost(), 'expected message 6, got 8'),
    'plan-refused',
    'init waited for "hooks run" in vain: expected message 6, got 8: EPROTO (/hooks); cause: it got another answer than its plan says; probably the library and init are of different builds; fix: run npm run build again, or reinstall the package',
  ],
  [
    'fork',
    failed({ op: 'reap', lingers: 0, origin: 'sandbox' }, 'EAGAIN', aHost()),
    'userns-nproc',
    'cannot start the command beside the first process of the sandbox (fork): resource temporarily unavailable (sandbox); cause: a limit of processes is reached: RLIMIT_NPROC (1000 soft, 2000 hard), pids.max of our cgroup, or kernel.threads-max; fix: end some processes, or raise the limit (ulimit -u; systemd: TasksMax=; Docker: --pids-limit)',
  ],
])
