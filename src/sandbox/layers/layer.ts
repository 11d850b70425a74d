/** One layer: what commands changed in some folders, kept beside the host's files until somebody applies or discards it. */
import { constants, lstatSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { errnoOf, isRuntimeError, RuntimeError } from '../../base/errors.ts'
import type { Host } from '../../host/facts.ts'
import { syncFileSystem, using } from '../../kernel/trees.ts'
import type { Lock } from '../../state/lock.ts'
import { tryLock } from '../../state/lock.ts'
import { dressTop, hasOurClock, hasUserXattrs } from './backend.ts'
import { recordBases, type Start } from './bases.ts'
import { findChanges, type Item } from './changes.ts'
import { copyFolder } from './copies.ts'
import type { Facts } from './facts.ts'
import { marksOf } from './marks.ts'
import type { LayerRecord } from './record.ts'
import * as record from './record.ts'
import { removeLeftovers, removeTree, renewWork } from './remove-tree.ts'
import { type Touched, touchedInCopy, touchedInOverlay } from './touched.ts'
import { joined, Tree } from './tree.ts'

export interface Survey {
  readonly items: readonly Item[]
  readonly touched: readonly (readonly Touched[])[]
}

export class Layer {
  readonly directory: string
  readonly #host: Host
  #record: LayerRecord

  constructor(directory: string, host: Host, found: LayerRecord) {
    this.directory = directory
    this.#host = host
    this.#record = found
  }

  get record(): LayerRecord {
    return this.#record
  }

  get name(): string {
    return this.#record.name
  }

  get isHalfApplied(): boolean {
    return lstatSync(this.journal, { throwIfNoEntry: false }) !== undefined
  }

  get journal(): string {
    return join(this.directory, 'apply.journal')
  }

  /** Nobody else may use the layer until it is let go. @throws RuntimeError `layer-busy` */
  lock(): Lock {
    const lock = tryLock(this.directory)
    if (lock === undefined) throw new RuntimeError('layer-busy', { what: `the layer ${this.name} is in use` })
    // What another process did with it since we read it.
    this.#record = record.readRecord(this.directory) ?? this.#record
    return lock
  }

  save(changed: Partial<LayerRecord>): void {
    this.#record = { ...this.#record, ...changed }
    record.writeRecord(this.directory, this.#record)
  }

  /**
   * A command is about to run in it, which cannot reach what is covered: paths of the host. The lock is held.
   * @throws RuntimeError `layer-half-applied`
   */
  begin(argv: readonly string[], covered: readonly string[]): void {
    if (this.isHalfApplied)
      throw new RuntimeError('layer-half-applied', { what: `the layer ${this.name} is half applied` })
    this.recordRun()
    const { backend } = this.#record
    if (backend === 'copy') this.#makeCopies()
    else for (const index of this.#record.folders.keys()) renewWork(record.workOf(this.directory, index, backend))
    for (const [index, folder] of this.#record.folders.entries()) this.#listUnlessTimed(index, folder)
    const run = record.now(this.#host.bootId, this.#stamp(), argv)
    this.save({ runs: [...this.#record.runs, covered.length === 0 ? run : { ...run, covered }] })
  }

  /** By the clock of the kernel's files, not by that of the processor. */
  #stamp(): bigint {
    const path = join(this.directory, 'stamp')
    rmSync(path, { force: true })
    writeFileSync(path, '', { mode: 0o600, flag: 'wx' })
    const { ctimeNs } = lstatSync(path, { bigint: true })
    return ctimeNs
  }

  #listUnlessTimed(index: number, folder: string): void {
    const { backend } = this.#record
    if (backend === 'copy' || (hasOurClock(folder) && !this.#lacksMarks(index))) return
    const seen = new Map<string, Facts>()
    this.#withTrees(index, (_, host) => {
      const waiting = ['']
      for (let at = waiting.pop(); at !== undefined; at = waiting.pop())
        for (const path of at === '' ? ['', ...host.names(at)] : host.names(at).map((name) => joined(at ?? '', name))) {
          const facts = host.facts(path)
          if (facts !== undefined) seen.set(path, facts)
          if (facts?.kind === 'directory' && path !== '') waiting.push(path)
        }
    })
    record.writeListing(this.directory, index, { which: 'seen', facts: seen })
  }

  /** Without attributes fuse-overlayfs does not say what it copied from the host, so what the host removes is not seen by its clock. */
  #lacksMarks(index: number): boolean {
    const { backend } = this.#record
    return backend === 'fuse-overlayfs' && !hasUserXattrs(record.upperOf(this.directory, index, backend))
  }

  #makeCopies(): void {
    const missing: string[] = []
    for (const [index, folder] of this.#record.folders.entries()) {
      if (record.readListing(this.directory, index, 'began') !== undefined) continue
      this.clear(index)
      const copied = copyFolder(folder, record.copyOf(this.directory, index))
      record.writeListing(this.directory, index, { which: 'seen', facts: copied.seen })
      record.writeListing(this.directory, index, { which: 'began', facts: copied.began })
      missing.push(...copied.missing.map((path) => join(folder, path)))
    }
    if (missing.length > 0) this.save({ missing: [...this.#record.missing, ...missing].slice(0, 1000) })
  }

  /** Keeps what the last command began from, also when nobody was there at its end. The lock is held. */
  recordRun(): void {
    const run = this.#record.runs.at(-1)
    if (run === undefined || run.isRecorded || this.isHalfApplied) return
    const { backend } = this.#record
    if (backend !== 'copy' && run.bootId !== this.#host.bootId) throw this.#unsynced()
    let isChanged = false
    for (const index of this.#record.folders.keys()) {
      const bases = record.readBases(this.directory, index)
      const touched = this.touched(index)
      this.#withTrees(index, (_, host) => recordBases(bases, touched, host, this.#start(index, run)))
      record.writeBases(this.directory, index, bases)
      isChanged ||= touched.length > 1
    }
    // the overlay waits for no disk, also where the command asked for it
    if (isChanged && backend !== 'copy')
      using(openSync(this.directory, constants.O_RDONLY | constants.O_DIRECTORY), syncFileSystem)
    this.save({ runs: this.#record.runs.with(-1, { ...run, isRecorded: true }) })
  }

  #unsynced(): RuntimeError {
    return new RuntimeError('layer-damaged', {
      what: `the machine went down while a command ran in the layer ${this.name}`,
      why: 'what that wrote need not all be on disk',
    })
  }

  #start(index: number, run: record.Run): Start {
    const seen = record.readListing(this.directory, index, 'seen')
    const top = `${this.#record.folders[index]}/`
    const covered = (run.covered ?? []).flatMap((path) => (path.startsWith(top) ? [path.slice(top.length)] : []))
    if (seen !== undefined) return { by: 'list', seen, covered }
    return { by: 'clock', at: record.startOf(run, this.#host.bootId), covered }
  }

  #withTrees<T>(index: number, use: (layer: Tree, host: Tree) => T): T {
    const [layer, host] = this.openTrees(index)
    try {
      return use(layer, host)
    } catch (error) {
      const errno = errnoOf(error)
      if (isRuntimeError(error) || errno === undefined) throw error
      throw new RuntimeError('layer-damaged', {
        what: `the layer ${this.name}, or its folder ${this.#record.folders[index]}, cannot be read`,
        errno,
        cause: error,
      })
    } finally {
      layer[Symbol.dispose]()
      host[Symbol.dispose]()
    }
  }

  /** The caller closes them. @throws RuntimeError `layer-folder` */
  openTrees(index: number): readonly [layer: Tree, host: Tree] {
    const host = this.openHost(index)
    try {
      return [new Tree(record.contentOf(this.directory, index, this.#record.backend), true), host]
    } catch (error) {
      host[Symbol.dispose]()
      throw error
    }
  }

  /** The caller closes it. @throws RuntimeError `layer-folder` */
  openHost(index: number): Tree {
    const folder = this.#record.folders[index] ?? ''
    try {
      return new Tree(folder)
    } catch (error) {
      const fix = 'put it back where it was, or usnea discard the layer'
      throw new RuntimeError('layer-folder', { what: `the folder ${folder} of the layer is gone`, fix, cause: error })
    }
  }

  touched(index: number): Touched[] {
    return this.#withTrees(index, (layer, host) => {
      const { backend } = this.#record
      if (backend !== 'copy') return touchedInOverlay(layer, host, marksOf(backend))
      const began = record.readListing(this.directory, index, 'began')
      return began === undefined ? [] : touchedInCopy(layer, host, began)
    })
  }

  /** Everything that would change on the host, and what was touched in each folder. The lock is held. */
  survey(): Survey {
    this.recordRun()
    const touched = this.#record.folders.map((_, index) => this.touched(index))
    const items = this.#record.folders.flatMap((top, index) => {
      const bases = record.readBases(this.directory, index)
      return this.#withTrees(index, (layer, host) =>
        findChanges({ folder: index, top, layer, host, bases }, touched[index] ?? []),
      )
    })
    return { items, touched }
  }

  /** Empties one folder of it. */
  clear(index: number): void {
    const { backend, folders } = this.#record
    const path = record.contentOf(this.directory, index, backend)
    const inner = dirname(path)
    // An earlier attempt may have ended anywhere in here.
    removeLeftovers(inner)
    if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) removeTree(path, inner)
    record.remakeDirectory(path)
    if (backend !== 'copy') dressTop(folders[index] ?? '', path)
    for (const name of ['bases', 'seen', 'began'])
      rmSync(join(this.directory, `${index}`, `${name}.jsonl`), { force: true })
  }

  /** Removes all of it, its name first. The lock is held. */
  remove(): void {
    const place = dirname(this.directory)
    removeTree(this.directory, place)
    removeLeftovers(place)
  }
}
