/** One invocation from its arguments to its exit status. The only place that reports an error. */
import { RuntimeError } from '../base/errors.ts'
import { type Log, type LogOptions, openLog } from '../base/log.ts'
import { countProblem, type GlobalReading, readCall, readGlobals } from './argv.ts'
import type { Command } from './command.ts'
import { describeFailure } from './exit.ts'
import { findCommand, findSubcommand } from './find-command.ts'
import { chooseLog, readGlobalValues, repeatGlobals } from './globals.ts'
import type { Io } from './io.ts'
import { Session } from './session.ts'
import { verbs } from './verbs.ts'
import { versionText } from './version.ts'

/** Their errors are for whoever typed them. */
const peoplesVerbs: ReadonlySet<string> = new Set(
  'sandbox doctor plan config runtimes completion try diff apply discard layers learn suggest'.split(' '),
)

/** Never throws. The caller exits with the result. `isWhole`: the arguments are what we were given, byte for byte. */
export async function execute(argv: readonly string[], io: Io, isWhole = true): Promise<number> {
  const reading = isWhole ? readGlobals(argv) : { ...readGlobals(argv), problem: bytesLost() }
  const forPeople = peoplesVerbs.has(reading.verb ?? '')
  const toStderr: LogOptions = { format: 'text', level: 'error', stderr: io.stderr, forPeople }
  let options = toStderr
  let log: Log
  try {
    const { system, ...choice } = chooseLog(reading.values, io.cwd)
    const journal = system === undefined ? {} : { journal: (await import('./system-log.ts')).openSystemLog(system) }
    options = { ...choice, ...journal, stderr: io.stderr, forPeople }
    log = await openLog(options)
  } catch (error) {
    const plain = await openLog(toStderr)
    const status = report(error, reading.verb, plain)
    if (reading.problem !== undefined) report(reading.problem, reading.verb, plain)
    return status
  }
  try {
    return await Promise.race([answer(reading, { io, log, options }), io.crashed])
  } catch (error) {
    return report(error, reading.verb, log)
  }
}

const bytesLost = (): RuntimeError =>
  new RuntimeError('usage', { what: 'an argument is not valid UTF-8, and without /proc its bytes are lost' })

function report(error: unknown, verb: string | undefined, log: Log): number {
  const failure = describeFailure(error, verb)
  if (failure.stack !== undefined) log.debug(failure.stack)
  log.fail(failure.message, failure.bare)
  return failure.status
}

interface Surroundings {
  readonly io: Io
  readonly log: Log
  readonly options: LogOptions
}

async function answer(reading: GlobalReading, surroundings: Surroundings): Promise<number> {
  const { values, verb, rest, problem } = reading
  const { io } = surroundings
  if (problem !== undefined) throw problem
  if (values.version) {
    io.out(versionText())
    return 0
  }
  if (verb === undefined) {
    const { programHelp } = await import('./help.ts')
    io.out(await programHelp(verbs))
    return 0
  }
  const { command, words } = await findSubcommand(await findCommand(verb, verbs), rest)
  return await call(command, reading.help ? ['--help'] : words, { ...surroundings, reading })
}

async function call(
  command: Command,
  argv: readonly string[],
  { io, log, options, reading }: Surroundings & { reading: GlobalReading },
): Promise<number> {
  const asked = readCall(command, argv)
  const problem = asked.help ? undefined : countProblem(command, asked)
  if (asked.help || problem !== undefined) {
    const { commandHelp } = await import('./help.ts')
    io.out(`${problem === undefined ? '' : 'Incorrect Usage.\n\n'}${await commandHelp(command)}`)
    if (problem !== undefined) throw new RuntimeError('usage', { what: problem })
    return 0
  }
  using session = new Session({
    globals: readGlobalValues(reading.values, io.cwd),
    globalWords: repeatGlobals(reading.values, io.cwd),
    io,
    log,
    isForeground: command.isForeground?.(asked) ?? false,
    logsToFile: options.file !== undefined || options.journal !== undefined,
    logsWarnings: options.level !== 'error',
    isForPrograms: options.format === 'json' || wantsJson(asked.flags),
  })
  if (reading.values.criu !== undefined) session.note('--criu is ignored: criu is looked for in PATH')
  const words = command.slow?.(asked)
  if (words !== undefined) session.progress(words)
  return await command.run(asked, session, verbs)
}

const wantsJson = (flags: Readonly<Record<string, unknown>>): boolean => flags.json === true || flags.format === 'json'
