/** A container's directory in the hands of the one who holds its lock. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { replaceFile } from '../base/files.ts'
import type { ContainerId } from '../base/ids.ts'
import { removeDirectory, unusable } from './directories.ts'
import type { Lock } from './lock.ts'
import { loadFrom } from './read-record.ts'
import type { ContainerRecord } from './record.ts'
import { dropShortcut, keepShortcut, type Shortcut } from './shortcut.ts'

export class Slot implements AsyncDisposable {
  readonly id: ContainerId
  readonly directory: string
  readonly #lock: Lock
  #hasShortcut: boolean

  /** `isNew`: nothing is in it yet. */
  constructor(id: ContainerId, directory: string, { lock, isNew }: { lock: Lock; isNew: boolean }) {
    this.id = id
    this.directory = directory
    this.#lock = lock
    this.#hasShortcut = !isNew
  }

  /** Written by rename: a reader sees the old state or the new one. */
  save(record: ContainerRecord): void {
    try {
      if (this.#hasShortcut) dropShortcut(this.directory)
      replaceFile(join(this.directory, 'state.json'), JSON.stringify(record), 0o600)
    } catch (error) {
      throw unusable(dirname(this.directory), error)
    }
  }

  /** Of the record that was just saved; it is good for no other one. */
  keepShortcut(shortcut: Shortcut): void {
    this.#hasShortcut = true
    keepShortcut(this.directory, shortcut)
  }

  /** Undefined when the creator died before it wrote anything. */
  load(): ContainerRecord | undefined {
    return existsSync(join(this.directory, 'state.json')) ? loadFrom(this.directory, this.id) : undefined
  }

  unlock(): void {
    this.#lock[Symbol.dispose]()
  }

  /** Frees the id in one step, then deletes what was in it. A directory that came after ours is somebody else's. */
  remove(): void {
    if (this.#isThere()) removeDirectory(this.directory)
  }

  #isThere(): boolean {
    try {
      return this.#lock.isIn(this.directory)
    } catch (error) {
      throw unusable(dirname(this.directory), error)
    }
  }

  /** For the undo stack: nothing of the container stays. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.remove()
    this.unlock()
  }
}
