/** The command line. */
import { readArguments } from '../host/arguments.ts'
import { readGlobals } from './argv.ts'
import { execute } from './execute.ts'
import { processIo } from './io.ts'
import { withoutValues } from './masked.ts'

/** The verbs of a bundle that does not hold all: see bundle.mjs. */
declare const __USNEA_VERBS__: readonly string[] | undefined

const words = process.argv.slice(2)
const argv = readArguments(words)
const masked = withoutValues(words)
// Node writes it over the arguments, which every user may read: proc_pid_cmdline(5).
if (masked !== undefined) process.title = ['usnea', ...masked].join(' ')

if (typeof __USNEA_VERBS__ !== 'undefined' && !__USNEA_VERBS__.includes(readGlobals(words).verb ?? '')) {
  require('./main.js')
} else {
  // Every write was done in place, so nothing is lost; and no timer or socket may keep us after the answer.
  execute(argv ?? words, processIo(), argv !== undefined).then((status) => process.exit(status))
}
