/**
 * A runtime with arguments as one path, for programs that take no more: BinaryName of containerd's shim, docker.
 * A script's name holds a hash of its content, so another content is another file: what runs keeps the one it has.
 */
import { createHash } from 'node:crypto'
import { accessSync, constants, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { errnoOf, RuntimeError } from '../base/errors.ts'
import { makeDirectories, replaceFile } from '../base/files.ts'
import { whyNotOwnDirectory } from '../state/runtime-directory.ts'
import type { ResolvedOci } from './entry.ts'
import { pathPart } from './names.ts'
import { wrapperText } from './quote.ts'

/** Hexadecimal digits of the hash in a name: 64 bits. */
const HASH_DIGITS = 16
const SCRIPT = /^.+\.[0-9a-f]{16}(\.[0-9a-z]+)?$/
/** A script that was made a moment ago may belong to a task that is not written down yet. Milliseconds. */
const YOUNG = 60 * 60 * 1000

export interface WrapperPlace {
  /** Ours alone, and not on a file system mounted noexec, as /run often is. Made where it is missing. */
  readonly directory: string
  /** Our effective user id. */
  readonly uid: number
}

/**
 * The one path of a runtime: its own when it has no arguments. Looks at each call whether the script is as it should
 * be, and puts it in place in one step when it is not.
 * @throws RuntimeError `runtime-wrapper`
 */
export function wrapperFor(
  { name, path, args }: Pick<ResolvedOci, 'name' | 'path' | 'args'>,
  place: WrapperPlace,
): string {
  if (args.length === 0) return path
  const text = wrapperText(path, args)
  const hash = createHash('sha256').update(text).digest('hex').slice(0, HASH_DIGITS)
  const script = join(place.directory, `${pathPart(name)}.${hash}`)
  try {
    makeDirectories(place.directory, 0o700)
    const refusal = whyNotOwnDirectory(place.directory, place.uid)
    if (refusal !== undefined) throw unusable(script, { why: `${place.directory}: ${refusal}` })
    if (!isAsItShouldBe(script, text)) replaceFile(script, text, 0o700)
    // Where nothing may be executed, this tells it now, and not in the middle of a task.
    accessSync(script, constants.X_OK)
    return script
  } catch (failure) {
    if (failure instanceof RuntimeError) throw failure
    const errno = errnoOf(failure)
    throw unusable(script, { ...(errno === undefined ? {} : { errno }), cause: failure })
  }
}

function isAsItShouldBe(script: string, text: string): boolean {
  try {
    return (statSync(script).mode & 0o7777) === 0o700 && readFileSync(script, 'utf8') === text
  } catch (failure) {
    if (errnoOf(failure) === 'ENOENT') return false
    throw failure
  }
}

function unusable(script: string, facts: ConstructorParameters<typeof RuntimeError>[1]): RuntimeError {
  return new RuntimeError('runtime-wrapper', { what: `cannot put the script ${script} in place`, ...facts })
}

export interface SweepWish {
  /** Paths that somebody uses, and those of `wrapperFor` that will be used. */
  readonly keep: ReadonlySet<string>
  /** Milliseconds since 1970. */
  readonly now: number
}

/**
 * Removes scripts that nobody uses any more, and left-overs of writers that were killed; nothing else in the directory.
 * One that cannot be removed is in the answer and stays: no reason to stop for.
 */
export function sweepWrappers(directory: string, { keep, now }: SweepWish): { removed: string[]; failed: string[] } {
  const kept = new Set([...keep].map((path) => basename(path)))
  const answer = { removed: [] as string[], failed: [] as string[] }
  for (const name of namesIn(directory)) {
    const path = join(directory, name)
    if (!SCRIPT.test(name) || kept.has(name) || isYoung(path, now)) continue
    try {
      rmSync(path)
      answer.removed.push(path)
    } catch {
      answer.failed.push(path)
    }
  }
  return answer
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch (failure) {
    if (errnoOf(failure) === 'ENOENT') return []
    throw failure
  }
}

/** A clock that jumped back makes it young for longer, never old. */
function isYoung(path: string, now: number): boolean {
  const found = statSync(path, { throwIfNoEntry: false })
  return found !== undefined && now - found.mtimeMs < YOUNG
}
