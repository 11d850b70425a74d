/**
 * Help, by yargs: the only import of it, and only when help is wanted. Loading it costs more than all the rest of the
 * command line, so calls that containerd and podman make by the thousand must not; argv.ts reads those by itself. Both
 * work from the same tables, and a test holds yargs' reading of them against ours.
 */
import type { Argv, Options } from 'yargs'
import type { Command, Verbs } from './command.ts'
import { examples as allExamples } from './examples.ts'
import { type Flag, globalFlags } from './flags.ts'

const width = 100

/** Help of one verb. Ends with a newline. */
export async function commandHelp(command: Command): Promise<string> {
  const parser = await openParser(command.flags)
  for (const [name, { summary }] of Object.entries(command.parts ?? {})) parser.command(name, summary)
  if (command.parts !== undefined) parser.usage(`usnea ${command.name} COMMAND --help explains one command.`)
  const usage = ['usnea', command.name, command.flags.length > 0 ? '[options]' : '', command.usage]
  const head = heading(`usnea ${command.name} - ${command.summary}`, [usage.filter((word) => word !== '').join(' ')])
  return `${head}${examples(command.examples ?? allExamples[command.name])}${await parser.getHelp()}\n`
}

function examples(lines: readonly string[] = []): string {
  return lines.length === 0 ? '' : `EXAMPLES:\n${lines.map((line) => `   ${line}\n`).join('')}\n`
}

/** Help of the whole program. Ends with a newline. */
export async function programHelp(verbs: Verbs): Promise<string> {
  const parser = await openParser(globalFlags)
  const name = 'usnea - Open Container Initiative runtime and sandbox, rootless first'
  const head = heading(name, ['usnea [global options] COMMAND …', 'usnea [sandbox options] -- CMD …'])
  for (const [name, { summary }] of Object.entries(verbs)) parser.command(name, summary)
  // Without words of ours yargs has a line of its own there.
  parser.usage('usnea COMMAND --help explains one command.')
  return `${head}${examples(allExamples.sandbox)}${await parser.getHelp()}\n`
}

/** A yargs parser of a table. */
export async function openParser(flags: readonly Flag[]): Promise<Argv> {
  const { default: yargs } = await import('yargs')
  return yargs([])
    .scriptName('usnea')
    .detectLocale(false)
    .exitProcess(false)
    .version(false)
    .help('help', 'show this')
    .alias('help', 'h')
    .wrap(width)
    .updateStrings({ 'Commands:': 'COMMANDS:', 'Options:': 'OPTIONS:' })
    .options(Object.fromEntries(flags.map((flag) => [flag.name, describe(flag)])))
}

function describe(flag: Flag): Options {
  const { kind, value, help } = flag
  return {
    describe: value === undefined ? help : `${value}: ${help}`,
    type: kind === 'boolean' ? 'boolean' : 'string',
    hidden: flag.status !== undefined,
    ...(kind === 'list' ? { array: true } : {}),
    ...(kind === 'boolean' ? {} : { requiresArg: true }),
    ...(flag.short === undefined ? {} : { alias: [...flag.short] }),
  }
}

/** The sections that scripts around runc know: the first line is `NAME:`, and the name stands in the second. */
function heading(name: string, usage: readonly string[]): string {
  return `NAME:\n   ${name}\n\nUSAGE:\n${usage.map((line) => `   ${line}`).join('\n')}\n\n`
}
