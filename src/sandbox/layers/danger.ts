/**
 * Files that other programs run or obey by themselves: what a command leaves there acts later, outside of any sandbox.
 * They are told in a diff, and applied only when they are named.
 */

interface Rule {
  readonly why: string
  /** Matches the whole path, in lower case, or a part of it that ends at a slash. */
  readonly match: RegExp
}

const under = (names: string): RegExp => new RegExp(`^(?:.*/)?(?:${names})(?=/|$)`)

const rules: readonly Rule[] = [
  {
    why: 'git runs it',
    match: under(String.raw`\.git/(?:.*/)?hooks|\.git/(?:.*/)?config(?:\.worktree)?|\.gitconfig|\.config/git|\.husky`),
  },
  { why: 'it names programs that git runs', match: under(String.raw`\.gitmodules|\.git/(?:.*/)?info/attributes`) },
  {
    why: 'shells run it',
    match: under(
      String.raw`\.(?:bashrc|bash_profile|bash_login|bash_logout|bash_aliases|profile|zshrc|zshenv|zprofile|zlogin|zlogout|kshrc|cshrc|tcshrc|login|logout|inputrc|envrc|pam_environment)|\.config/fish|\.config/environment\.d`,
    ),
  },
  {
    why: 'it starts with the session',
    match: under(
      String.raw`\.xprofile|\.xinitrc|\.xsession|\.xsessionrc|\.config/(?:autostart|systemd)|\.local/share/(?:systemd|applications|dbus-1)`,
    ),
  },
  { why: 'it decides who may log in, and how keys are used', match: under(String.raw`\.ssh|\.gnupg`) },
  { why: 'it stands in the search path of programs', match: under(String.raw`\.local/bin`) },
  {
    why: 'editors run its tasks or obey its settings',
    match: under(
      String.raw`\.vscode|\.idea|\.fleet|\.zed|\.vimrc|\.exrc|\.nvimrc|\.nvim\.lua|\.vim|\.config/nvim|\.emacs|\.emacs\.d|\.dir-locals\.el|\.editorconfig`,
    ),
  },
  {
    why: 'continuous integration runs it',
    match: under(
      String.raw`\.github/(?:workflows|actions)|\.gitlab-ci\.ya?ml|\.gitlab/ci|\.circleci|\.travis\.yml|\.drone\.yml|\.woodpecker(?:\.ya?ml)?|\.buildkite|\.ci|jenkinsfile|azure-pipelines\.ya?ml|bitbucket-pipelines\.yml|\.pre-commit-config\.ya?ml`,
    ),
  },
  {
    why: 'coding agents obey it',
    match: under(String.raw`\.claude|\.cursor|\.codex|\.mcp\.json|\.aider\.conf\.yml`),
  },
  {
    why: 'package managers obey it',
    match: under(String.raw`\.npmrc|\.yarnrc(?:\.yml)?|\.pypirc|\.cargo/config(?:\.toml)?|\.config/pip`),
  },
  { why: 'it is the policy of the sandbox itself', match: under(String.raw`\.usnea\.toml|\.config/usnea`) },
]

export interface Danger {
  readonly why: string
  /** Whoever names this, or something below, means it. */
  readonly root: string
}

/** `path` is absolute. Names count in any case, because some file systems do not tell cases apart. */
export function dangerOfPath(path: string): Danger | undefined {
  const lower = folded(path)
  for (const { why, match } of rules) {
    const found = match.exec(lower)
    if (found !== null) return { why, root: path.slice(0, found[0].length) }
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
