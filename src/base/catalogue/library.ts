/** Stock words of errors: what a command in a sandbox of a program came to. Each is a result too. */
import type { CatalogueEntry } from './entry.ts'

export const library = {
  'command-failed': { what: 'the command failed' },
  'command-killed': { what: 'the command was killed' },
  'command-timed-out': { what: 'the command ran out of time' },
  'command-canceled': { what: 'the command was canceled' },
  'sandbox-closed': { what: 'the sandbox is closed', fix: 'make another one: sandbox()' },
  'shell-over': { what: 'the shell has ended', fix: 'begin another one: box.shell()' },
} as const satisfies Record<string, CatalogueEntry>
