/** Stock words of errors: the task service, its shims and its daemon. */
import type { CatalogueEntry } from './entry.ts'

export const tasks = {
  'task-name': {
    what: 'invalid task id',
    fix: 'letters and digits, with single . _ or - between them; at most 76 characters',
  },
  'task-missing': { what: 'task does not exist', fix: 'usnea task list' },
  'task-exists': { what: 'task already exists', fix: 'choose another id, or remove it: usnea task delete ID' },
  'task-state': { what: 'the task is not in the right state for this' },
  'task-request': { what: 'the request to the task service cannot be served' },
  'task-bundle': { what: 'the bundle of the task cannot be written' },
  'task-bundle-mounted': {
    what: 'the bundle of the task is not removed: something is mounted in it',
    why: 'removing it would remove what is mounted there',
  },
  'task-leftover': { what: 'the task could not be cleaned up; its bundle is kept' },
  'shim-failed': { what: 'the shim failed' },
  'shim-silent': { what: 'the shim does not answer' },
  'shim-garbage': { what: 'the shim answers what cannot be understood' },
  'shim-lost': { what: 'the shim is gone', why: 'it ended, or closed the connection, before it answered' },
  'shim-foreign': { what: 'the socket of the shim belongs to another user' },
  'daemon-running': {
    what: 'another task service is at work here',
    fix: 'stop it, or name another directory: --service DIR',
  },
  'daemon-socket': { what: 'the socket of the task service cannot be used' },
  'daemon-lost': { what: 'the connection to the task service was lost' },
  'events-gone': {
    what: 'events that old are not kept',
    fix: 'leave --from out to begin with the oldest that is kept',
  },
  'journal-broken': { what: 'the journal of events cannot be used' },
} as const satisfies Record<string, CatalogueEntry>
