/** Manual pages, one a verb, from the tables that help is made of: man(7). Written by the build into dist/man. */
import type { Flag } from '../flags.ts'
import { verbs } from '../verbs.ts'
import { beforeVerbs, type Entry, readVerbs, takesValue } from './table.ts'

export interface Page {
  /** `usnea-task-run.1` */
  readonly file: string
  readonly text: string
}

const PURPOSE = 'rootless container runtime and sandbox'

export async function manualPages(version: string): Promise<Page[]> {
  const entries = await readVerbs(verbs)
  const all = entries.flatMap((entry) => [entry, ...entry.parts])
  return [mainPage(entries, version), ...all.map((entry) => verbPage(entry, version))]
}

const nameOf = ({ name }: Entry): string => ['usnea', ...name.split(' ')].join('-')

function mainPage(entries: readonly Entry[], version: string): Page {
  const { flags, examples } = beforeVerbs()
  const text = [
    title('usnea', version),
    section('NAME', [`usnea \\- ${escaped(PURPOSE)}`]),
    section('SYNOPSIS', [
      '.B usnea',
      '[sandbox options] \\-\\- \\fICMD\\fR ...',
      '.br',
      '.B usnea',
      '[global options] \\fICOMMAND\\fR ...',
    ]),
    section('EXAMPLES', exampleLines(examples)),
    section(
      'COMMANDS',
      entries.flatMap((entry) => ['.TP', `.BR ${nameOf(entry).replaceAll('-', '\\-')} (1)`, escaped(entry.summary)]),
    ),
    section('OPTIONS', flags.flatMap(optionLines)),
    section('EXIT STATUS', [
      escaped(
        "Of a sandbox the command's own, 124 when its time ran out, 125 when it could not be set up, 126 and 127 when the command cannot be executed or was not found, 128+n after signal n. Of other commands 0, or 1 after an error, and 255 for exec.",
      ),
    ]),
    section('SEE ALSO', [
      'The pages of concepts lie in the directory docs of the package.',
      '.BR runc (8), ',
      '.BR bwrap (1)',
    ]),
  ]
  return { file: 'usnea.1', text: text.join('') }
}

function verbPage(entry: Entry, version: string): Page {
  const { name, summary, usage, examples, flags, parts } = entry
  const words = [...(flags.length > 0 ? ['[options]'] : []), ...(usage === '' ? [] : [usage])].join(' ')
  const text = [
    title(nameOf(entry), version),
    section('NAME', [`${escaped(nameOf(entry))} \\- ${escaped(summary)}`]),
    section('SYNOPSIS', [`.B usnea ${escaped(name)}`, ...(words === '' ? [] : [escaped(words)])]),
    section('EXAMPLES', exampleLines(examples)),
    section(
      'COMMANDS',
      parts.flatMap((part) => ['.TP', `.BR ${nameOf(part).replaceAll('-', '\\-')} (1)`, escaped(part.summary)]),
    ),
    section('OPTIONS', flags.flatMap(optionLines)),
    section('SEE ALSO', ['.BR usnea (1)']),
  ]
  return { file: `${nameOf(entry)}.1`, text: text.join('') }
}

const title = (name: string, version: string): string =>
  `.TH "${escaped(name.toUpperCase())}" 1 "" "usnea ${escaped(version)}" "User Commands"\n`

const section = (name: string, lines: readonly string[]): string =>
  lines.length === 0 ? '' : `.SH ${name}\n${lines.join('\n')}\n`

const exampleLines = (examples: readonly string[]): string[] =>
  examples.length === 0 ? [] : ['.nf', ...examples.map(escaped), '.fi']

function optionLines(flag: Flag): string[] {
  const { name, short = '', value, help } = flag
  const words = [...[...short].map((letter) => `-${letter}`), `--${name}`].map((word) => `\\fB${escaped(word)}\\fR`)
  const tail = takesValue(flag) ? ` \\fI${escaped(value ?? 'VALUE')}\\fR` : ''
  return ['.TP', words.join(', ') + tail, escaped(help)]
}

/** Text that roff takes as it is: its own characters, a dot or a quote that begins a line, and what is not ASCII. */
function escaped(text: string): string {
  const plain = text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll("'", '\\(aq').replaceAll('`', '\\(ga')
  return plain
    .replace(/^\./, '\\&.')
    .replace(
      /[^\n\x20-\x7e]/g,
      (letter) => `\\[u${letter.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')}]`,
    )
}
