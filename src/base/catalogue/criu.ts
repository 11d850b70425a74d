/** Stock words of errors: checkpoint and restore. */
import type { CatalogueEntry } from './entry.ts'

export const criu = {
  'criu-missing': {
    what: 'criu is not installed',
    fix: 'sudo apt-get install criu (Debian, Ubuntu) or sudo dnf install criu (Fedora)',
  },
  'criu-old': { what: 'criu is too old', fix: 'install criu 3.15 or newer' },
  'criu-privileges': {
    what: 'checkpoint and restore need real root',
    why: 'criu reads and makes every namespace, mount and id of a container; CAP_CHECKPOINT_RESTORE alone lets it handle only processes without namespaces of their own',
    fix: 'run the container, and this command, as root on the host',
  },
  'criu-feature': { what: 'criu cannot do this on this machine' },
  'criu-failed': { what: 'criu failed' },
  'image-unusable': { what: 'the directory of the image cannot be used' },
} as const satisfies Record<string, CatalogueEntry>
