/**
 * What git runs or obeys besides the usual names of a directory: in a bare repository, in submodules and worktrees, and where
 * the settings lead. All of it is read from a project that may be hostile: it may only add places.
 */
import { lstatSync, readdirSync, statSync } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { readLimited } from '../base/files.ts'
import { unenforceable } from './level.ts'

/** Each is a mount or two. Of more than that the directory itself is held. */
const MOST_REPOSITORIES = 50
const MOST_LISTED = 500
const MOST_SUBMODULES = 1000
const LARGEST = 1 << 20

/** What lies in a directory of git's and decides what is run: of each repository, and of each worktree. */
const obeyed = ['config', 'config.worktree', 'commondir', 'hooks']

/** Absolute paths of the host, also such as lie elsewhere. @throws RuntimeError `policy-unenforceable` with too many submodules */
export function gitPathsOf(directory: string): string[] {
  const paths = new Set<string>()
  const waiting = [directory]
  const seen = new Set(waiting)
  for (let worktree = waiting.pop(); worktree !== undefined; worktree = waiting.pop()) {
    for (const path of repositoriesOf(worktree).flatMap((repository) => pathsOf(repository, worktree))) paths.add(path)
    // git looks into each when it is asked about the whole.
    for (const submodule of submodulesOf(worktree)) {
      if (seen.has(submodule)) continue
      paths.add(join(submodule, '.git')) // where it is a file; of a directory what matters is held
      waiting.push(submodule)
      if (seen.add(submodule).size > MOST_SUBMODULES)
        throw unenforceable('protect', `protect: ${directory} has more than ${MOST_SUBMODULES} submodules`)
    }
  }
  return [...paths].filter((path) => !path.endsWith('/.git') || !isDirectory(path))
}

function repositoriesOf(worktree: string): string[] {
  const link = join(worktree, '.git')
  const first = leadOf(link) ?? (isRepository(worktree) ? worktree : link)
  if (!isDirectory(first)) return []
  const common = textOf(join(first, 'commondir'))
  return [first, ...(common === undefined ? [] : [resolve(first, common)])]
}

/** Those that `.gitmodules` names, and that are there. */
function submodulesOf(worktree: string): string[] {
  const lines = (textOf(join(worktree, '.gitmodules')) ?? '').split('\n')
  return lines.flatMap((line) => {
    const [, text = ''] = /^\s*path\s*=(.*)$/i.exec(line) ?? []
    const path = resolve(worktree, text.trim().replace(/^"(.*)"$/, '$1'))
    return text.trim() !== '' && path.startsWith(`${worktree}/`) && isDirectory(path) ? [path] : []
  })
}

/** `.git` may be a file that says where it is: of a worktree, or of a submodule. */
function leadOf(link: string): string | undefined {
  const target = /^gitdir: (.+)$/m.exec(textOf(link) ?? '')?.[1]
  return target === undefined ? undefined : resolve(dirname(link), target)
}

function pathsOf(repository: string, worktree: string): string[] {
  const others = [...below(join(repository, 'modules')), ...below(join(repository, 'worktrees'))]
  return [
    ...[repository, ...others.filter(({ isWhole }) => !isWhole).map(({ path }) => path)].flatMap((path) =>
      obeyed.map((name) => join(path, name)),
    ),
    ...others.filter(({ isWhole }) => isWhole).map(({ path }) => path),
    ...ledBy(repository, worktree),
  ]
}

interface Found {
  readonly path: string
  /** Too much to hold one by one. */
  readonly isWhole: boolean
}

/** Repositories at any depth: a submodule may have slashes in its name, and submodules of its own. */
function below(directory: string): Found[] {
  const found: string[] = []
  const waiting = [directory]
  let listed = 0
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const isOne = path !== directory && isHead(path)
    if (isOne) found.push(path)
    listed++
    if (listed > MOST_LISTED || found.length > MOST_REPOSITORIES) return [{ path: directory, isWhole: true }]
    waiting.push(...(isOne ? [join(path, 'modules')] : foldersOf(path)))
  }
  return found.map((path) => ({ path, isWhole: false }))
}

/** Other hooks, and files that are read as if they were a part of the settings. */
function ledBy(repository: string, worktree: string): string[] {
  const lines = (textOf(join(repository, 'config')) ?? '').split('\n')
  return lines.flatMap((line) => {
    const [, name = '', text = ''] = /^\s*(?:\[[^\]]*\]\s*)?(hookspath|path)\s*=(.*)$/i.exec(line) ?? []
    const value = text.trim().replace(/^"(.*)"$/, '$1')
    if (value === '' || value.startsWith('~')) return []
    const start = name.toLowerCase() === 'path' ? repository : worktree
    return [isAbsolute(value) ? value : join(start, value)]
  })
}

const isHead = (path: string): boolean => lstatSync(join(path, 'HEAD'), { throwIfNoEntry: false }) !== undefined

const isRepository = (path: string): boolean =>
  isHead(path) && isDirectory(join(path, 'objects')) && isDirectory(join(path, 'refs'))

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

function foldersOf(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => join(path, name))
  } catch {
    return []
  }
}

/** Undefined for what is no file, and for one that is too large to be what it should be. */
function textOf(path: string): string | undefined {
  try {
    return statSync(path).isFile() ? readLimited(path, LARGEST).toString().trim() : undefined
  } catch {
    return undefined
  }
}
