/** What may stand at a place of the command line, as completions know it. */
import { logLevels } from '../../base/log.ts'
import { levels } from '../../host/level.ts'
import { backendNames } from '../../sandbox/backends.ts'
import { demands } from '../../sandbox/level.ts'
import { acceptable } from '../../sandbox/level-words.ts'
import { profiles } from '../../sandbox/profiles.ts'
import type { Flag } from '../flags.ts'

/** `=a b`: one of these words. The others are looked up when somebody asks. */
export type Kind =
  | 'none'
  | 'files'
  | 'dirs'
  | 'commands'
  | 'containers'
  | 'tasks'
  | 'layers'
  | 'signals'
  | 'verbs'
  | `=${string}`

const oneOf = (words: readonly string[]): Kind => `=${words.join(' ')}`

/** Options whose value is one of a few words. */
const choices: Readonly<Record<string, Kind>> = {
  net: oneOf(['none', 'host', 'pasta', 'slirp4netns']),
  profile: oneOf(Object.keys(profiles)),
  'min-level': oneOf(levels.filter((level) => level !== 'X')),
  require: oneOf(Object.keys(demands)),
  accept: oneOf(Object.keys(acceptable)),
  'log-format': oneOf(['text', 'json']),
  'log-level': oneOf(logLevels),
  'cgroup-manager': oneOf(['systemd', 'cgroupfs', 'disabled']),
  rootless: oneOf(['true', 'false', 'auto']),
  enforce: oneOf(['cgroup', 'watchdog']),
  'allow-missing': oneOf(['apparmor', 'selinux', 'atime']),
  backend: oneOf(['auto', ...backendNames]),
  layer: 'layers',
}

const places: Readonly<Record<string, Kind>> = {
  FILE: 'files',
  PATH: 'files',
  'PATH[:DEST]': 'files',
  SOCKET: 'files',
  DIR: 'dirs',
  SIGNAL: 'signals',
}

/** Of the value of an option; `none` also for what nobody can guess. */
export function kindOfFlag({ name, value }: Flag): Kind {
  if (name === 'format' && value === 'FORMAT') return oneOf(['table', 'json'])
  return choices[name] ?? places[value ?? ''] ?? 'none'
}

/** Of the arguments, by the words of the help: `add|remove ID FILE` is one of two words, an id and a file. */
export function kindsOfUsage(verb: string, usage: string): Kind[] {
  const ways = usage
    .replace(/\[-- |\[--\] |[[\]]/g, ' ')
    .split('|')
    .map((way) => way.trim().split(/\s+/))
    .filter(([first = '']) => first !== '' && !first.startsWith('-'))
  const longest = Math.max(0, ...ways.map((way) => way.length))
  return Array.from({ length: longest }, (_, i) =>
    kindOfWords(
      verb,
      ways.flatMap((way) => way[i] ?? []),
    ),
  )
}

function kindOfWords(verb: string, words: readonly string[]): Kind {
  const literals = words.filter((word) => /^[a-z]+$/.test(word))
  if (literals.length > 0) return oneOf(literals)
  const word = words.map((text) => text.replace('…', '')).find((text) => text !== '') ?? ''
  if (word === 'ID') return verb.startsWith('task ') ? 'tasks' : 'containers'
  if (word === 'NAME') return verb === 'layers' ? 'layers' : 'none'
  if (verb === 'help') return 'verbs'
  return word === 'CMD' || word === 'COMMAND' ? 'commands' : (places[word] ?? 'none')
}
