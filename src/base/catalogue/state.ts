/** Stock words of errors: state on disk. */
import type { CatalogueEntry } from './entry.ts'

export const state = {
  'container-missing': { what: 'container does not exist' },
  'container-busy': {
    what: 'another usnea command holds the lock of this container',
    fix: 'wait for it to end; if it hangs, end that process and call again',
  },
  'container-not-running': { what: 'container not running' },
  'container-not-stopped': { what: 'cannot delete a container that is not stopped', fix: 'usnea delete --force ID' },
  'container-not-created': { what: 'cannot start a container that is not in the created state' },
  'exec-stopped': { what: 'cannot exec in a stopped container' },
  'exec-paused': { what: 'cannot exec in a paused container (use --ignore-paused to override)' },
  'container-not-paused': { what: 'container not paused' },
  'process-finished': { what: 'os: process already finished' },
  'state-corrupt': {
    what: 'the state file of the container cannot be read',
    why: 'it is truncated or was not written by usnea',
    fix: 'usnea delete --force ID',
  },
  'state-future': {
    what: 'the state file of the container has a newer format than this usnea knows',
    fix: 'use the usnea that made it, or remove it with: usnea delete --force ID',
  },
  'root-unusable': { what: 'no usable state directory' },
  'xdg-owner': {
    what: 'XDG_RUNTIME_DIR is not ours',
    why: 'the variable was inherited from another user, as su and sudo -u do',
    fix: 'log in with ssh or machinectl, or unset XDG_RUNTIME_DIR, or pass --root DIR',
  },
  'xdg-missing': {
    what: 'no runtime directory was found for this user',
    fix: 'log in through a session (ssh, machinectl), or set XDG_RUNTIME_DIR to a directory of yours with mode 0700, or pass --root DIR',
  },
} as const satisfies Record<string, CatalogueEntry>
