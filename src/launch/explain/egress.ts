/** A network whose only way out is our filter, and a text shown in place of a file. */
import type { Table } from './entry.ts'
import { refusals } from './refusal.ts'

export const explainEgress: Table<'egress' | 'handNetwork' | 'showText'> = {
  egress: {
    code: 'egress-failed',
    what: 'cannot set up the filtered network of the sandbox',
    causes: [
      ...refusals,
      {
        errno: 'EPERM',
        why: 'our process may not change its own network namespace (CAP_NET_ADMIN)',
        fix: 'usnea doctor shows what takes the capabilities of our user namespace away; --net none needs none of them',
      },
      {
        errno: ['EAFNOSUPPORT', 'EPROTONOSUPPORT', 'ENODEV', 'EOPNOTSUPP'],
        why: 'this kernel lacks netlink, IPv4, or routes of type local',
        fix: 'use another kernel, or --net none',
      },
    ],
  },
  handNetwork: {
    code: 'egress-failed',
    what: 'cannot hand the network namespace of the sandbox to the program that connects it',
    causes: [
      ...refusals,
      {
        errno: ['ENOENT', 'EACCES', 'EPERM'],
        why: '/proc is not mounted here, or hides our own namespaces',
        fix: 'mount /proc in the outer container, or use --net none or host',
      },
    ],
  },
  showText: {
    code: 'mount-failed',
    what: ({ op }) => `cannot show a text of ours at ${op.target}`,
    causes: [
      ...refusals,
      {
        errno: 'ENOSYS',
        why: ({ host }) => `this kernel (${host.kernel.release}) lacks fsopen(2), which Linux has from 5.2 on`,
        fix: 'use a newer kernel, or --net none or host',
      },
    ],
  },
}
