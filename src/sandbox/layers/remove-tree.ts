/**
 * Removes what a hostile program may have left: directories closed to their owner (the kernel makes some itself, in
 * the work directory of an overlay), and trees deeper than any path. Every directory is first moved to the top, so
 * that no path grows.
 */
import { chmodSync, lstatSync, mkdirSync, readdirSync, renameSync, rmdirSync, unlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { randomSuffix } from '../../base/suffix.ts'

/** `path` is a directory of ours that nobody uses any more; `scratch` one on the same file system. Throws the system error. */
export function removeTree(path: string, scratch: string): void {
  const trash = join(scratch, `.removed-${randomSuffix()}`)
  mkdirSync(trash, { mode: 0o700 })
  let count = 0
  const waiting: Buffer[] = []
  const toTrash = (from: Buffer) => {
    const to = Buffer.from(join(trash, String(count++)))
    // A directory is moved by writing to it: its `..` changes.
    chmodSync(from, 0o700)
    renameSync(from, to)
    waiting.push(to)
  }
  toTrash(Buffer.from(path))
  for (let directory = waiting.pop(); directory !== undefined; directory = waiting.pop()) {
    for (const name of readdirSync(directory, { encoding: 'buffer' })) {
      const entry = Buffer.concat([directory, Buffer.from('/'), name])
      if (lstatSync(entry).isDirectory()) toTrash(entry)
      else unlinkSync(entry)
    }
    rmdirSync(directory)
  }
  rmdirSync(trash)
}

/** The same for what an interrupted removal has left. */
export function removeLeftovers(scratch: string): void {
  for (const name of readdirSync(scratch)) if (name.startsWith('.removed-')) removeTree(join(scratch, name), scratch)
}

/** An overlay that waits for no disk leaves a mark in its work directory, with which it cannot be made again. */
export function renewWork(work: string): void {
  const inner = dirname(work)
  removeLeftovers(inner)
  if (lstatSync(work, { throwIfNoEntry: false }) !== undefined) removeTree(work, inner)
  mkdirSync(work, { mode: 0o700 })
}
