/** Files of a sandbox, read and written by commands inside: what they cannot reach, nobody reaches for them. */

import { once } from 'node:events'
import type { Readable } from 'node:stream'
import type { Sandbox } from '../api.ts'
import type { Input, RunOptions } from '../call.ts'
import type { SandboxResult } from '../result.ts'

/** The status of ours for what is not there. No program of these scripts has it. */
const MISSING = 44

const ifThere = `[ -e "$1" ] || [ -L "$1" ] || exit ${MISSING}\n`

const scripts = {
  read: `[ -e "$1" ] || exit ${MISSING}\nexec cat -- "$1"`,
  write: `case $1 in */*) mkdir -p -- "\${1%/*}/" || exit ;; esac\nexec cat > "$1"`,
  stat: `[ -e "$1" ] || exit ${MISSING}\nexec stat -L -c "%f %s" -- "$1"`,
  list: `${ifThere}cd -- "$1" || exit
for name in * .[!.]* ..?*; do
  if [ -L "$name" ]; then type=symlink
  elif [ -d "$name" ]; then type=directory
  elif [ -f "$name" ]; then type=file
  elif [ -e "$name" ]; then type=other
  else continue
  fi
  printf '%s %s\\0' "$type" "$name"
done`,
  remove: `${ifThere}exec rm -- "$1"`,
} as const

export interface FileStat {
  readonly type: 'file' | 'directory' | 'other'
  readonly size: number
}

export interface DirectoryEntry {
  readonly name: string
  readonly type: 'file' | 'directory' | 'symlink' | 'other'
}

export interface Named {
  readonly path: string
  readonly abortSignal?: AbortSignal
}

const DIRECTORY = 0o040000
const FILE = 0o100000
const TYPE = 0o170000

/** The most that is read or listed at once: more than any tool can use. A stream has no bound. */
const MOST = 512 * 1024 * 1024

export class Files {
  readonly #box: Sandbox
  readonly #cwd: string | undefined

  constructor(box: Sandbox, cwd: string | undefined) {
    this.#box = box
    this.#cwd = cwd
  }

  async bytes(named: Named): Promise<Uint8Array | null> {
    const result = await this.#run('read', named, { encoding: 'buffer' })
    if (result?.isMaxBuffer) throw new RangeError(`${named.path} has more than ${MOST} bytes: read it as a stream`)
    return (result?.stdout as Uint8Array | undefined) ?? null
  }

  async stream(named: Named): Promise<Readable | null> {
    const command = this.#box.spawn(argvOf('read', named.path), {
      ...this.#around(named),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const { stdout, stderr } = command
    if (!stdout || !stderr) throw new TypeError('a stream was expected')
    const said: Buffer[] = []
    stderr.on('data', (chunk: Buffer) => said.push(chunk))
    await once(stdout, 'readable')
    if (stdout.readableLength > 0) return stdout
    const { exitCode, failed, cause } = await command.exited
    if (exitCode === MISSING) return null
    if (failed) throw cause ?? new Error(`${named.path} cannot be read: ${Buffer.concat(said).toString().trim()}`)
    return stdout
  }

  async write({ content, ...named }: Named & { readonly content: Input }): Promise<void> {
    await this.#run('write', named, { input: content })
  }

  async stat(named: Named): Promise<FileStat | null> {
    const result = await this.#run('stat', named)
    if (result === null) return null
    const [mode = '', size = ''] = String(result.stdout).split(' ')
    const type = Number.parseInt(mode, 16) & TYPE
    return { type: type === DIRECTORY ? 'directory' : type === FILE ? 'file' : 'other', size: Number(size) }
  }

  async list(named: Named): Promise<DirectoryEntry[] | null> {
    const result = await this.#run('list', named, { stripFinalNewline: false })
    if (result === null) return null
    const entries = String(result.stdout).split('\0').slice(0, -1)
    return entries.map((entry) => {
      const space = entry.indexOf(' ')
      return { name: entry.slice(space + 1), type: entry.slice(0, space) as DirectoryEntry['type'] }
    })
  }

  async remove(named: Named): Promise<boolean> {
    return (await this.#run('remove', named)) !== null
  }

  #around({ abortSignal }: Omit<Named, 'path'>) {
    return {
      ...(this.#cwd === undefined ? {} : { cwd: this.#cwd }),
      ...(abortSignal === undefined ? {} : { cancelSignal: abortSignal }),
    }
  }

  /** Null when the path is not there. @throws the reason of the abort, or the error of the command */
  async #run(script: keyof typeof scripts, named: Named, options: RunOptions = {}) {
    const wishes = { ...options, ...this.#around(named), maxBuffer: MOST, reject: false }
    const result: SandboxResult<string | Uint8Array> = await this.#box.run(argvOf(script, named.path), wishes)
    if (result.exitCode === MISSING) return null
    if (result.isCanceled) throw result.cause
    if (result.failed) throw result
    return result
  }
}

const argvOf = (script: keyof typeof scripts, path: string): string[] => [
  ...['sh', '-c', scripts[script], 'sh'],
  path.startsWith('-') ? `./${path}` : path,
]
