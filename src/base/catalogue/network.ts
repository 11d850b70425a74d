/** The network of a sandbox. */
import type { CatalogueEntry } from './entry.ts'

export const network = {
  'egress-failed': {
    what: 'cannot set up the filtered network',
    why: 'the kernel refused a step of it',
    fix: 'usnea plan --allow-host … -- CMD shows the steps; --net none needs none of them',
  },
  'net-program': {
    what: 'the program that connects the network of the sandbox is missing',
    why: 'it is not in the PATH',
    fix: 'install it (Debian: passt for pasta, slirp4netns), or use --allow-host or --net host',
  },
  'net-tun': {
    what: '/dev/net/tun cannot be opened',
    why: 'the kernel has no tun devices here, or the container around us does not show the device',
    fix: 'give the container the device (Docker, podman: --device /dev/net/tun), or use --allow-host, which needs none',
  },
  'net-port': {
    what: 'the port cannot be published',
    fix: 'publish another port: -p 8081:80',
  },
  'net-program-failed': {
    what: 'the network of the sandbox could not be connected',
    fix: 'what the program said is above; --allow-host and --net host need no such program',
  },
} satisfies Record<string, CatalogueEntry>
