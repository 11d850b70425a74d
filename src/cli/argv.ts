/**
 * Cuts the argument vector: global options, the verb, the verb's own options, and the words that are somebody else's.
 * The grammar is the union of what runc's and crun's callers write: `--x v`, `--x=v`, `-x`, `-x v`, Go's `-long`,
 * booleans with `=true`, options before and after the arguments. Values stay strings, and a list is never split.
 */
import { holdsBytes } from '../base/bytes.ts'
import { RuntimeError } from '../base/errors.ts'
import { nearest } from '../base/nearest.ts'
import {
  type Call,
  type Flag,
  type GlobalValues,
  type Grammar,
  globalFlags,
  sandboxFlags,
  type Values,
} from './flags.ts'

export interface GlobalReading {
  readonly values: GlobalValues
  /** Undefined when no verb was given. A bare `--` means `sandbox`. */
  readonly verb: string | undefined
  /** What follows the verb. */
  readonly rest: readonly string[]
  readonly help: boolean
  /** The first mistake. Reading goes on behind it: the error belongs into the log file that a later option names. */
  readonly problem: RuntimeError | undefined
}

const helpWords: readonly string[] = ['-h', '-?', '-help', '--help']

/** Reads the options before the verb. Never throws. */
export function readGlobals(argv: readonly string[]): GlobalReading {
  const values = emptyValues(globalFlags)
  let problem: RuntimeError | undefined
  let help = false
  let at = 0
  const ended = (verb: string | undefined, rest: readonly string[]) => ({ values, verb, rest, help, problem })
  while (at < argv.length) {
    const word = argv[at] ?? ''
    if (word === '--') return ended('sandbox', argv.slice(at))
    if (!isFlag(word)) return ended(word, argv.slice(at + 1))
    if (helpWords.includes(word)) {
      help = true
      at += 1
      continue
    }
    // Options of a sandbox may stand before a bare `--`, so that `usnea --net host -- CMD` needs no verb.
    if (
      findFlag(word, globalFlags) === undefined &&
      findFlag(word, sandboxFlags) !== undefined &&
      argv.includes('--')
    ) {
      return ended('sandbox', argv.slice(at))
    }
    try {
      at += takeFlag({ argv, at, flags: globalFlags, verb: undefined }, values)
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error
      problem ??= error
      at += 1
    }
  }
  return ended(undefined, [])
}

/** Reads what follows a verb. Throws `usage` or `not-supported-yet`; does not count the arguments: see `countProblem`. */
export function readCall<Flags extends readonly Flag[]>(grammar: Grammar<Flags>, argv: readonly string[]): Call<Flags> {
  const values = emptyValues(grammar.flags)
  const args: string[] = []
  let at = 0
  while (at < argv.length) {
    const word = argv[at] ?? ''
    if (word === '--') return finish(grammar, { values, args, rest: argv.slice(at + 1) })
    if (helpWords.includes(word)) return { flags: values, args, tail: [], help: true }
    if (isFlag(word)) {
      at += takeFlag({ argv, at, flags: grammar.flags, verb: grammar.name }, values)
    } else if (grammar.tail === undefined) {
      args.push(word)
      at += 1
    } else {
      return finish(grammar, { values, args, rest: argv.slice(at) })
    }
  }
  return { flags: values, args, tail: [], help: false }
}

interface Rest<Flags extends readonly Flag[]> {
  readonly values: Values<Flags>
  readonly args: readonly string[]
  /** The words that are not to be read as options. */
  readonly rest: readonly string[]
}

function finish<Flags extends readonly Flag[]>(
  grammar: Grammar<Flags>,
  { values, args, rest }: Rest<Flags>,
): Call<Flags> {
  const flags = values
  if (grammar.tail === 'command') return { flags, args, tail: rest, help: false }
  if (grammar.tail === 'after-first') return { flags, args: rest.slice(0, 1), tail: rest.slice(1), help: false }
  return { flags, args: [...args, ...rest], tail: [], help: false }
}

/** The sentence of a wrong number of arguments, or undefined. */
export function countProblem(grammar: Grammar, call: Call): string | undefined {
  const [fewest, most] = grammar.count
  const given = grammar.tail === 'command' ? call.tail.length : call.args.length
  if (given >= fewest && given <= most) return undefined
  const bound = fewest === most ? 'exactly' : given < fewest ? 'a minimum of' : 'a maximum of'
  return `usnea: "${grammar.name}" requires ${bound} ${given < fewest ? fewest : most} argument(s)`
}

function isFlag(word: string): boolean {
  return word.length > 1 && word.startsWith('-')
}

function emptyValues<Flags extends readonly Flag[]>(flags: Flags): Values<Flags> {
  const initial = { boolean: false, list: [], text: undefined, number: undefined }
  return Object.fromEntries(flags.map((flag) => [flag.name, initial[flag.kind]])) as Values<Flags>
}

/** The flag a word means, and its value when that is part of the word. */
interface Found {
  readonly flag: Flag
  readonly value: string | undefined
  /** The letters behind a boolean letter: `-dt` is `-d -t`. */
  readonly cluster?: string
}

function findFlag(word: string, flags: readonly Flag[]): Found | undefined {
  const body = word.replace(/^--?/, '')
  const equals = body.indexOf('=')
  const name = equals === -1 ? body : body.slice(0, equals)
  const value = equals === -1 ? undefined : body.slice(equals + 1)
  const flag = flags.find((entry) => entry.name === name || (name.length === 1 && entry.short?.includes(name)))
  if (flag !== undefined) return { flag, value }
  return word.startsWith('--') ? undefined : findCluster(body, flags)
}

/**
 * `-dt` for `-d -t`. A value is not read off the same word (`-u1000`): callers write Go's `-long`, and a misspelt one
 * must be an error and not the value of its first letter.
 */
function findCluster(body: string, flags: readonly Flag[]): Found | undefined {
  const flag = flags.find((entry) => entry.kind === 'boolean' && entry.short?.includes(body.slice(0, 1)))
  const cluster = body.slice(1)
  if (flag === undefined || findFlag(`-${cluster}`, flags) === undefined) return undefined
  return { flag, value: undefined, cluster }
}

interface Place {
  readonly argv: readonly string[]
  readonly at: number
  readonly flags: readonly Flag[]
  readonly verb: string | undefined
}

/** Reads the flag at a place into `values`; returns how many words it took. */
function takeFlag(place: Place, values: object): number {
  const word = place.argv[place.at] ?? ''
  const found = findFlag(word, place.flags)
  if (found === undefined) throw unknownFlag(word, place)
  const { flag } = found
  if (flag.status === 'later') {
    throw new RuntimeError('not-supported-yet', { what: `the option --${flag.name} is not supported yet` })
  }
  if (flag.kind === 'boolean') {
    store(values, flag, readBoolean(flag, found.value))
    if (found.cluster === undefined) return 1
    const argv = [...place.argv.slice(0, place.at), `-${found.cluster}`, ...place.argv.slice(place.at + 1)]
    return takeFlag({ ...place, argv }, values)
  }
  const value = found.value ?? place.argv[place.at + 1]
  if (value === undefined) throw usage(`flag needs an argument: --${flag.name}`)
  if (flag.bytes === undefined && holdsBytes(value)) throw usage(`the value of --${flag.name} is not valid UTF-8`)
  const isAbsent = value === '' && flag.kind === 'text' && flag.empty === undefined
  store(values, flag, flag.kind === 'number' ? readNumber(flag, value) : isAbsent ? undefined : value)
  return found.value === undefined ? 2 : 1
}

function store(values: object, flag: Flag, value: string | number | boolean | undefined): void {
  const record = values as Record<string, unknown>
  record[flag.name] = flag.kind === 'list' ? [...(record[flag.name] as string[]), value] : value
}

const truths = ['1', 't', 'T', 'TRUE', 'true', 'True']
const falsehoods = ['0', 'f', 'F', 'FALSE', 'false', 'False']

function readBoolean(flag: Flag, text: string | undefined): boolean {
  if (text === undefined || truths.includes(text)) return true
  if (falsehoods.includes(text)) return false
  throw usage(`invalid boolean value "${text}" for --${flag.name}`)
}

function readNumber(flag: Flag, text: string): number {
  const value = Number(text)
  if (/^[+-]?\d+$/.test(text) && Number.isSafeInteger(value)) return value
  throw usage(`invalid value "${text}" for --${flag.name}: not a whole number`)
}

function unknownFlag(word: string, place: Place): RuntimeError {
  const name = word.replace(/=.*$/s, '')
  const bare = name.replace(/^--?/, '')
  if (place.verb !== undefined && findFlag(name, globalFlags) !== undefined) {
    return usage(`flag provided but not defined: ${name}`, `put it before the command: usnea ${name} ${place.verb}`)
  }
  const shown = place.flags.filter((flag) => flag.status === undefined).map((flag) => flag.name)
  const meant = nearest(bare, shown)
  const help = `usnea ${place.verb === undefined ? '' : `${place.verb} `}--help`
  return usage(`flag provided but not defined: ${name}`, meant === undefined ? `see ${help}` : `use --${meant}`)
}

function usage(what: string, fix?: string): RuntimeError {
  return new RuntimeError('usage', { what, ...(fix === undefined ? {} : { fix }) })
}
