/** Stock words of errors: the bundle. */
import type { CatalogueEntry } from './entry.ts'

export const bundle = {
  'bundle-missing': { what: 'the bundle directory cannot be opened', fix: 'pass --bundle DIR' },
  'config-missing': {
    what: 'config.json not found in the bundle',
    fix: 'make one with: usnea spec --bundle DIR',
  },
  'config-exists': { what: 'File config.json exists. Remove it first' },
  'config-not-json': { what: 'config.json is not valid JSON' },
  'config-invalid': { what: 'config.json is not valid' },
  'process-invalid': { what: 'the process description is not valid' },
  'rootfs-missing': { what: 'the root file system of the bundle does not exist' },
  'rootfs-invalid': { what: 'invalid rootfs: not an absolute path, or a symlink' },
  'rootfs-unreachable': {
    what: "the root file system cannot be reached by the container's user",
    why: 'a directory on the way is closed to the mapped id',
    fix: 'chmod o+x each directory on the way, or move the bundle',
  },
  'rootfs-swapped': {
    what: 'the root file system was replaced while the container was being created',
    fix: 'make sure nothing else writes into the bundle, then create again',
  },
} as const satisfies Record<string, CatalogueEntry>
