/**
 * Files that other programs run or obey by themselves, outside of any sandbox: by git, a shell, an editor, a CI. The one
 * list of them. Some are held in writable directories: they stay read-only unless they are named. All are told in a diff and
 * applied only when they are named, and no policy is suggested that opens them for writing. Pure.
 */

interface Rule {
  readonly why: string
  /** Relative to a writable directory, where they are held. */
  readonly held: readonly string[]
  /** More names, in lower case: they match the whole path, or a part of it that ends at a slash. */
  readonly also?: string
}

const rules: readonly Rule[] = [
  { why: 'it is the policy of the sandbox itself', held: ['.usnea.toml', '.config/usnea'] },
  {
    why: 'git runs it',
    held: [
      ...['.git/hooks', '.git/config', '.git/config.worktree', '.git/commondir'],
      ...['.githooks', '.husky', '.pre-commit-config.yaml', 'lefthook.yml'],
    ],
    also: String.raw`\.git/(?:.*/)?hooks|\.git/(?:.*/)?config(?:\.worktree)?|\.gitconfig|\.config/git|\.pre-commit-config\.yml`,
  },
  { why: 'it names programs that git runs', held: [], also: String.raw`\.gitmodules|\.git/(?:.*/)?info/attributes` },
  {
    why: 'shells run it',
    held: [
      ...['.bashrc', '.bash_profile', '.bash_login', '.bash_logout', '.profile', '.envrc', '.config/fish'],
      ...['.zshrc', '.zshenv', '.zprofile', '.zlogin', '.zlogout'],
    ],
    also: String.raw`\.(?:bash_aliases|kshrc|cshrc|tcshrc|login|logout|inputrc|pam_environment)|\.config/environment\.d`,
  },
  {
    why: 'it starts with the session',
    held: [],
    also: String.raw`\.xprofile|\.xinitrc|\.xsession|\.xsessionrc|\.config/(?:autostart|systemd)|\.local/share/(?:systemd|applications|dbus-1)`,
  },
  { why: 'it decides who may log in, and how keys are used', held: [], also: String.raw`\.ssh|\.gnupg` },
  { why: 'it stands in the search path of programs', held: [], also: String.raw`\.local/bin` },
  {
    why: 'coding agents obey it',
    held: ['.cursor', '.mcp.json', '.claude'],
    also: String.raw`\.codex|\.aider\.conf\.yml`,
  },
  {
    why: 'editors run its tasks or obey its settings',
    held: [
      ...['.vscode', '.idea', '.zed', '.fleet', '.devcontainer', '.exrc', '.nvimrc', '.nvim.lua'],
      ...['.dir-locals.el'],
    ],
    also: String.raw`\.vimrc|\.vim|\.config/nvim|\.emacs|\.emacs\.d|\.editorconfig`,
  },
  {
    why: 'continuous integration runs it',
    held: [
      ...['.github/workflows', '.github/actions', '.gitlab-ci.yml', '.gitea/workflows', '.forgejo/workflows'],
      ...['.circleci', '.buildkite', '.travis.yml', '.drone.yml', '.woodpecker.yml', 'Jenkinsfile'],
      ...['azure-pipelines.yml', 'bitbucket-pipelines.yml'],
    ],
    also: String.raw`\.gitlab-ci\.yaml|\.gitlab/ci|\.woodpecker(?:\.yaml)?|\.ci|azure-pipelines\.yaml`,
  },
  {
    why: 'package managers obey it',
    held: [],
    also: String.raw`\.npmrc|\.yarnrc(?:\.yml)?|\.pypirc|\.cargo/config(?:\.toml)?|\.config/pip`,
  },
]

/** Relative to a writable directory. */
export const heldPaths: readonly string[] = rules.flatMap(({ held }) => held)

const matchers = rules.map(({ why, held, also }) => {
  const names = [...held.map((path) => path.toLowerCase().replaceAll('.', String.raw`\.`)), ...(also ? [also] : [])]
  return { why, match: new RegExp(`^(?:.*/)?(?:${names.join('|')})(?=/|$)`) }
})

export interface Danger {
  readonly why: string
  /** Whoever names this, or something below, means it. */
  readonly root: string
}

/** `path` is absolute. Names count in any case, because some file systems do not tell cases apart. */
export function dangerOfPath(path: string): Danger | undefined {
  const lower = folded(path)
  for (const { why, match } of matchers) {
    const found = match.exec(lower)
    if (found !== null) return { why, root: path.slice(0, found[0].length) }
  }
  return undefined
}

/** What of a home is dangerous in a directory that is none itself; the others are known by their names. */
const inHome = ['.local/bin', '.local/share/applications', '.cargo/config.toml', '.gitlab/ci']

/** Why: something dangerous lies in this directory, as `.git/hooks` in `.git`. `path` is absolute. */
export function dangerInPath(path: string): string | undefined {
  const lower = folded(path)
  for (const { why, held } of [...rules, { why: 'others run or obey it', held: inHome }])
    for (const name of held) {
      const above = name.split('/').slice(0, -1)
      const isAbove = above.some((_, i) => lower.endsWith(`/${above.slice(0, i + 1).join('/')}`))
      if (isAbove) return `${name} may lie in it: ${why}`
    }
  return undefined
}

/** Lower case, unit by unit, so that places in it are places in the path. */
function folded(path: string): string {
  return path.replace(/[A-Z]|[^\0-\x7f]/g, (unit) => {
    const lower = unit.toLowerCase()
    return lower.length === 1 ? lower : unit
  })
}
