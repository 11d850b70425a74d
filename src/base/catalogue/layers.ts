/** Stock words of errors: layers of `usnea try`, and what becomes of them. */
import type { CatalogueEntry } from './entry.ts'

export const layers = {
  'layer-name': {
    what: 'the layer cannot have this name',
    fix: 'use 1 to 64 letters, digits and the characters . _ -, beginning with a letter or digit',
  },
  'layer-missing': { what: 'no such layer', fix: 'usnea layers list shows the layers that there are' },
  'layer-unclear': { what: 'it is not clear which layer is meant', fix: 'name it with --layer NAME' },
  'layer-busy': {
    what: 'the layer is in use',
    why: 'a command runs in it, or it is being applied or removed',
    fix: 'wait for that to end, or use another layer',
  },
  'layer-place': {
    what: 'there is no place for layers',
    fix: 'set XDG_STATE_HOME to a directory of yours on a local file system',
  },
  'layer-folder': { what: 'the folder cannot be tried' },
  'layer-backend': {
    what: 'no way to try something works here',
    fix: 'usnea doctor names what this machine refuses; --backend copy needs nothing of the kernel',
  },
  'layer-damaged': {
    what: 'the layer is damaged',
    fix: 'usnea discard it; what it holds lies in its directory, which usnea layers show names',
  },
  'layer-half-applied': {
    what: 'the layer is half applied',
    why: 'an earlier apply was interrupted',
    fix: 'usnea apply it again: that goes on where it ended',
  },
  'apply-conflict': {
    what: 'the host changed files that the command changed too; nothing was applied',
    fix: '--force takes what the command left, --theirs keeps what the host has',
  },
  'apply-refused': {
    what: 'the layer holds what is never applied',
    fix: '--skip-refused applies all the rest',
  },
  'apply-dangerous': {
    what: 'the layer changes files that other programs run or obey by themselves; nothing was applied',
    fix: 'look at them with usnea diff and name each one that you want, or --skip-refused to apply the rest',
  },
  'apply-nothing': { what: 'the layer changes nothing there', fix: 'usnea diff shows what it changes' },
  'apply-failed': {
    what: 'the layer could not be applied',
    fix: 'remove the cause and usnea apply it again: that goes on where it ended',
  },
} as const satisfies Record<string, CatalogueEntry>
