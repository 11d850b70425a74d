/** The command line. */
import { execute } from './execute.ts'
import { processIo } from './io.ts'

// Every write was done in place, so nothing is lost; and no timer or socket may keep us after the answer.
execute(process.argv.slice(2), processIo()).then((status) => process.exit(status))
