/** The command line. */
import { readArguments } from '../host/arguments.ts'
import { execute } from './execute.ts'
import { processIo } from './io.ts'

const words = process.argv.slice(2)
const argv = readArguments(words)

// Every write was done in place, so nothing is lost; and no timer or socket may keep us after the answer.
execute(argv ?? words, processIo(), argv !== undefined).then((status) => process.exit(status))
