/** What each shell needs around the core. */
import { core } from './core.ts'
import type { Entry } from './table.ts'

export const shells = ['bash', 'zsh', 'fish'] as const
export type ShellName = (typeof shells)[number]

export function completionFor(shell: ShellName, entries: readonly Entry[]): string {
  return { bash, zsh, fish }[shell](core(entries))
}

/** bash cuts words at = and :, so they are put together again, and what is before the cut is taken off the answers. */
const bash = (text: string): string => `# bash completion of usnea: source <(usnea completion bash)
${text}
_usnea() {
  local line words=() begun IFS=$' \\t\\n' i cut
  for ((i = 1; i <= COMP_CWORD; i++)); do
    line=\${COMP_WORDS[i]}
    if ((i > 1)) && [[ $line == = || \${COMP_WORDS[i - 1]} == = ]] && [[ \${words[-1]} == -* ]]; then
      words[-1]+=$line
    else
      words+=("$line")
    fi
  done
  begun=\${words[-1]}
  [[ \${COMP_WORDBREAKS} == *=* ]] && cut=\${begun%"\${begun##*=}"} || cut=
  COMPREPLY=()
  while IFS= read -r line; do
    line=\${line%%$'\\t'*}
    case $line in
      :files) mapfile -t -O \${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "\${begun#"$cut"}"); compopt -o filenames ;;
      :dirs) mapfile -t -O \${#COMPREPLY[@]} COMPREPLY < <(compgen -d -- "\${begun#"$cut"}"); compopt -o filenames ;;
      :commands) mapfile -t -O \${#COMPREPLY[@]} COMPREPLY < <(compgen -c -- "$begun") ;;
      "$begun"*) COMPREPLY+=("\${line#"$cut"}") ;;
    esac
  done < <(_usnea_complete "\${words[@]}")
}
complete -F _usnea usnea
`

const zsh = (text: string): string => `#compdef usnea
# zsh completion of usnea: source <(usnea completion zsh), or a file _usnea in a directory of $fpath
_usnea_core() {
emulate -L sh
${text}
_usnea_complete "$@"
}

_usnea() {
  local line word cut=''
  local -a found remarks
  word=\${words[CURRENT]}
  while IFS= read -r line; do
    case $line in
      :files|:dirs)
        if [[ $word == --*=* ]]; then compset -P '*='; fi
        if [[ $line == :dirs ]]; then _files -/; else _files; fi
        return ;;
      :commands) _command_names -e; return ;;
    esac
    found+=("\${line%%$'\\t'*}")
    if [[ $line == *$'\\t'* ]]; then remarks+=("\${line%%$'\\t'*} -- \${line#*$'\\t'}"); else remarks+=("$line"); fi
  done < <(_usnea_core "\${(@)words[2,CURRENT]}")
  compadd -l -d remarks -a -- found
}

if [ "$funcstack[1]" = _usnea ]; then _usnea "$@"; else compdef _usnea usnea; fi
`

const fish = (text: string): string => `# fish completion of usnea: usnea completion fish | source
function __usnea_complete
  set -l begun (commandline -ct)
  set -l words (commandline -opc) $begun
  if test -z "$begun"
    set words (commandline -opc) ''
  end
  for line in (sh -c '${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}
_usnea_complete "$@"' usnea $words[2..-1])
    switch $line
      case :files
        set -l prefix (string match -r -- '^--[^=]*=' $begun)
        for path in (__fish_complete_path (string replace -r -- '^--[^=]*=' '' $begun))
          printf '%s%s\\n' "$prefix" $path
        end
      case :dirs
        set -l prefix (string match -r -- '^--[^=]*=' $begun)
        for path in (__fish_complete_directories (string replace -r -- '^--[^=]*=' '' $begun))
          printf '%s%s\\n' "$prefix" $path
        end
      case :commands
        __fish_complete_command
      case '*'
        echo $line
    end
  end
end
complete -c usnea -f -a '(__usnea_complete)'
`
