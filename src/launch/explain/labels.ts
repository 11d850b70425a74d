/** Labels of security modules: of programs, keys and mounts. */
import { type Attempt, type Cause, inside, type Table } from './entry.ts'

type Names = 'apparmor' | 'selinux' | 'keyring' | 'label'

const DENIAL = 'look for the denial with: sudo ausearch -m avc -ts recent, or sudo dmesg'

const selinux: readonly Cause<'selinux' | 'keyring' | 'label'>[] = [
  {
    errno: 'EINVAL',
    why: 'the policy that is loaded knows no such label',
    fix: 'correct the label, or load the module that defines it (semodule -i FILE; semodule -l lists them)',
  },
  { errno: ['EACCES', 'EPERM'], why: 'the policy does not let us give it', fix: DENIAL },
  {
    errno: 'ENOENT',
    why: 'no whole proc is to be had, or SELinux is off',
    fix: 'uncover /proc in the outer container',
  },
]

export const explainLabels: Table<Names> = {
  apparmor: {
    code: 'setup-failed',
    what: ({ op }) => `unable to apply apparmor profile ${JSON.stringify(op.profile)}`,
    causes: [
      {
        errno: ['ENOENT', 'EINVAL'],
        why: 'AppArmor is off, or does not know the profile',
        fix: 'correct the name, or load the profile first: apparmor_parser -r FILE',
      },
      {
        errno: ['EACCES', 'EPERM'],
        why: 'the policy does not let us change to it; with no_new_privs only narrower profiles may be taken',
        fix: DENIAL,
      },
    ],
  },
  selinux: {
    code: 'setup-failed',
    what: ({ op }) => `unable to apply SELinux label ${op.label}`,
    causes: selinux,
  },
  keyring: {
    code: 'setup-failed',
    what: ({ op }) => `unable to apply SELinux label ${op.label} to the session keyring`,
    causes: selinux,
  },
  label: {
    code: 'mount-failed',
    what: ({ op }) => `unable to apply SELinux label ${op.label} to ${inside(op.target)}`,
    causes: selinux,
  },
}

/** The option that `labelOption` adds. */
export const unknownContext = {
  errno: 'EINVAL',
  when: ({ op }) => op.data.includes('context="'),
  why: 'probably the SELinux policy that is loaded does not know the label of mounts',
  fix: 'correct linux.mountLabel, or load the module that defines it (semodule -i FILE)',
} satisfies Cause<'mount' | 'tmpfs'>

/** In the place of the usual words: what the policy must say besides is easily overlooked. */
export const refusedLabel: Cause<'exec'> = {
  errno: 'EPERM',
  when: ({ host }: Attempt<'exec'>) => host.lsm.selinuxEnforcing,
  why: ({ host }) => `probably SELinux, which is enforcing (our label is ${host.lsm.label ?? 'not shown'})`,
  fix: `${DENIAL}; with process.noNewPrivileges, or on a mount with nosuid, the policy must allow process2 { nnp_transition nosuid_transition } to the label`,
}
