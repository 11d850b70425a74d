/** Stock words of errors: id maps. */
import type { CatalogueEntry } from './entry.ts'

export const idmaps = {
  'map-helper-missing': {
    what: 'more than one id is asked for, but newuidmap and newgidmap are not installed',
    fix: 'sudo apt-get install uidmap (Debian, Ubuntu) or sudo dnf install shadow-utils (Fedora); or map only your own id',
  },
  'map-helper-nnp': {
    what: 'newuidmap has no effect',
    why: 'no_new_privs is set on our process, so setuid bits and file capabilities are ignored',
    fix: 'unset it where it is set (systemd: NoNewPrivileges=no; Kubernetes: allowPrivilegeEscalation: true), or map only your own id',
  },
  'map-helper-nosuid': {
    what: 'newuidmap has no effect',
    why: 'its file system is mounted nosuid',
    fix: 'install it on a file system without nosuid, or map only your own id',
  },
  'map-helper-bit': {
    what: 'newuidmap has no effect',
    why: 'it has neither the setuid bit nor the file capability (they get lost in image layers and with cp)',
    fix: 'sudo chmod u+s /usr/bin/newuidmap /usr/bin/newgidmap, or reinstall the uidmap package',
  },
  'map-helper-bounding': {
    what: 'newuidmap has no effect',
    why: 'the capability bounding set of our process lacks CAP_SETUID or CAP_SETGID',
    fix: 'give the outer container SETUID and SETGID (Docker: --cap-add SETUID,SETGID), or map only your own id',
  },
  'map-helper-owner': {
    what: 'newuidmap has no effect',
    why: 'it belongs to a user that is not mapped in the user namespace around us, so its setuid bit is ignored',
    fix: 'use an outer namespace with id ranges, or map only your own id',
  },
  'map-helper-failed': { what: 'newuidmap or newgidmap failed' },
  'map-range': {
    what: 'an id range of the map is not ours to use',
    fix: 'sudo usermod --add-subuids START-END --add-subgids START-END USER',
  },
  'map-no-passwd': {
    what: 'newuidmap cannot find our user name',
    why: 'our user id has no entry in the user database',
    fix: 'add one to /etc/passwd of the outer container, or map only your own id',
  },
  'map-invalid': { what: 'the id map is not valid' },
  'map-too-long': {
    what: 'the id map is longer than the kernel takes in one write',
    why: 'a map may have 340 lines and must be shorter than one page',
    fix: 'use fewer, larger ranges',
  },
  'map-refused': { what: 'the kernel refused the id map' },
  'user-unmapped': {
    what: 'cannot setuid to unmapped uid in user namespace',
    fix: 'sudo usermod --add-subuids START-END --add-subgids START-END USER, then create the container again',
  },
  'groups-denied': {
    what: 'cannot set any additional groups in a rootless container',
    why: 'with one mapped id the kernel denies setgroups',
    fix: 'install newgidmap and give the user a range in /etc/subgid, or remove additionalGids',
  },
  'owner-unmapped': {
    what: 'an owner cannot be changed to an id outside the map',
    fix: 'sudo usermod --add-subuids START-END --add-subgids START-END USER',
  },
} as const satisfies Record<string, CatalogueEntry>
