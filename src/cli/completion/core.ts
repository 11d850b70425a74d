/**
 * What a shell asks at each TAB, as POSIX sh: no Node is started for it. It reads the words before the cursor and the one
 * that is begun, and prints candidates, one a line, a remark behind a tab. `:files`, `:dirs` and `:commands` ask the shell
 * to look by itself.
 */
import type { Kind } from './kinds.ts'
import { beforeVerbs, type Entry, kindOfFlag, takesValue, wordsOf } from './table.ts'

export function core(entries: readonly Entry[]): string {
  const all = [beforeVerbs(), ...entries.flatMap((entry) => [entry, ...entry.parts])]
  return [
    shellFunction('_usnea_verbs', [list(entries)]),
    shellFunction(
      '_usnea_parts',
      byVerb(entries.filter(({ parts }) => parts.length > 0).map((e) => [e.name, list(e.parts)])),
    ),
    shellFunction('_usnea_options', byVerb(all.map((entry) => [entry.name, optionsOf(entry)]))),
    shellFunction('_usnea_value', byVerb(all.map((entry) => [entry.name, valuesOf(entry)]))),
    shellFunction('_usnea_argument', byVerb(all.flatMap((entry) => argumentsOf(entry)))),
    fixed,
  ].join('\n')
}

const shellFunction = (name: string, lines: readonly string[]): string =>
  `${name}() {\n${lines.map((line) => `  ${line}\n`).join('')}}\n`

/** In single quotes. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

const candidates = (pairs: readonly (readonly [string, string])[]): string =>
  pairs.length === 0 ? ':' : `printf '%s\\n' ${pairs.map(([word, remark]) => quoted(`${word}\t${remark}`)).join(' ')}`

const list = (entries: readonly Entry[]): string =>
  candidates(entries.map(({ name, summary }) => [name.split(' ').at(-1) ?? '', summary]))

function byVerb(cases: readonly (readonly [string, string])[]): string[] {
  return ['case $1 in', ...cases.map(([name, body]) => `${quoted(name)}) ${body} ;;`), 'esac']
}

const optionsOf = ({ flags }: Entry): string =>
  candidates([...flags.map((flag) => [`--${flag.name}`, flag.help] as const), ['--help', 'show this']])

/** Sets `kind` to that of an option's value; `flag` where it has none. */
function valuesOf({ flags }: Entry): string {
  const cases = flags
    .filter(takesValue)
    .map((flag) => `${wordsOf(flag).join('|')}) kind=${quoted(kindOfFlag(flag))} ;;`)
  return `case $2 in ${cases.join(' ')} *) kind=flag ;; esac`
}

/** By the verb and the number of the argument; the last kind is that of all that follow. */
function argumentsOf({ name, args, tail }: Entry): [string, string][] {
  if (tail === 'command') return [[name, "kind='commands'"]]
  if (args.length === 0) return []
  const cases = args.map((kind: Kind, i) => `${i === args.length - 1 ? '*' : i}) kind=${quoted(kind)} ;;`)
  return [[name, `case $2 in ${cases.join(' ')} esac`]]
}

const fixed = `_usnea_root() {
  if [ -n "$root" ]; then return; fi
  if [ -n "$USNEA_ROOT" ]; then root=$USNEA_ROOT; return; fi
  uid=$(id -u)
  for root in "\${XDG_RUNTIME_DIR:-/nowhere}/usnea" "/run/user/$uid/usnea" "/tmp/usnea-$uid"; do
    if [ "$uid" = 0 ] && [ -d /run/usnea ]; then root=/run/usnea; return; fi
    if [ -d "$root" ]; then return; fi
  done
}

_usnea_directories() {
  for entry in "$1"/*/; do
    entry=\${entry%/}
    entry=\${entry##*/}
    case $entry in '*' | @* | .*) ;; *) printf '%s\\t%s\\n' "$entry" "$2" ;; esac
  done
}

_usnea_say() {
  case $1 in
    none | flag) ;;
    files | dirs | commands) echo ":$1" ;;
    verbs) _usnea_verbs ;;
    containers)
      _usnea_root
      _usnea_directories "$root" container ;;
    tasks)
      _usnea_root
      _usnea_directories "\${service:-$root/@tasks}/state/$space" task ;;
    layers)
      _usnea_directories "\${XDG_STATE_HOME:-$HOME/.local/state}/usnea/layers" layer
      _usnea_directories "/var/tmp/usnea-$(id -u)/layers" layer ;;
    signals) printf '%s\\n' TERM KILL HUP INT QUIT USR1 USR2 STOP CONT WINCH ;;
    =*)
      for entry in \${1#=}; do echo "$entry"; done ;;
  esac
}

# The words behind usnea; the last is the one that is begun.
_usnea_complete() {
  verb= root= service= space=default count=0 waiting= kind=
  while [ $# -gt 1 ]; do
    word=$1
    shift
    if [ -n "$waiting" ]; then
      case $waiting in --root) root=$word ;; --service) service=$word ;; --namespace | -n) space=$word ;; esac
      waiting=
      continue
    fi
    case $word in
      --) kind=commands; break ;;
      --root=*) root=\${word#*=} ;;
      --service=*) service=\${word#*=} ;;
      --namespace=*) space=\${word#*=} ;;
      -*=*) ;;
      -*)
        _usnea_value "$verb" "$word"
        case $kind in flag) ;; *) waiting=$word ;; esac
        kind= ;;
      *)
        if [ -z "$verb" ]; then verb=$word
        elif [ -n "$(_usnea_parts "$verb")" ]; then verb="$verb $word"
        else
          _usnea_argument "$verb" 0
          case $kind in commands) break ;; esac
          kind=
          count=$((count + 1))
        fi ;;
    esac
  done
  # Behind the first word of a command are its own: files are the best guess.
  if [ "$kind" = commands ]; then
    if [ $# -gt 1 ] || [ "$word" != -- ]; then echo :files; else echo :commands; fi
    return
  fi
  if [ -n "$waiting" ]; then
    _usnea_value "$verb" "$waiting"
    _usnea_say "$kind"
    return
  fi
  case $1 in
    --*=*)
      _usnea_value "$verb" "\${1%%=*}"
      _usnea_say "$kind" | while IFS= read -r line; do
        case $line in :*) echo "$line" ;; *) printf '%s=%s\\n' "\${1%%=*}" "$line" ;; esac
      done
      return ;;
    -*) _usnea_options "$verb"; return ;;
  esac
  if [ -n "$(_usnea_parts "$verb")" ]; then _usnea_parts "$verb"; return; fi
  kind=none
  _usnea_argument "$verb" "$count"
  _usnea_say "$kind"
}
`
