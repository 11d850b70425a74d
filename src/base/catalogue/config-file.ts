/** Stock words of errors: files of settings. */
import type { CatalogueEntry } from './entry.ts'

export const configFile = {
  'config-file-unreadable': { what: 'a file of settings cannot be read' },
  'config-file-untrusted': { what: 'a file of settings is not obeyed', why: 'others than us and root could write it' },
  'config-file-syntax': { what: 'a file of settings is not TOML' },
  'config-file-invalid': {
    what: 'the settings are not valid',
    fix: 'see docs/configuration.md, and try: usnea config check',
  },
} as const satisfies Record<string, CatalogueEntry>
