/** Everything below a cgroup, however deep: a container that may write to its own can nest it beyond PATH_MAX. */
import { closeSync, constants, openSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { errnoOf } from '../../base/errors.ts'

export interface Step {
  /** Leads to the directory, and to the one above it, while it is visited. */
  readonly at: string
  readonly parent: string
  readonly name: string
  /** From the root, for messages; it may be too long to be opened. Only while it is visited. */
  readonly path: () => string
}

interface Level {
  readonly name: string
  readonly left: string[]
}

/** The deepest first, the top itself not. Two descriptors are open at most, and nothing recurs. */
export function walkBelow(top: string, visit: (step: Step) => void): void {
  let here = openDirectory(top)
  if (here === undefined) return
  try {
    const levels: Level[] = [{ name: top, left: directoriesIn(through(here)) }]
    for (let level = levels.at(-1); level; level = levels.at(-1)) {
      const name = level.left.pop()
      if (name === undefined && levels.length === 1) return
      // Not joined by path.join(), which would resolve the `..` by the text.
      const next = openDirectory(`${through(here)}/${name ?? '..'}`)
      if (next === undefined) {
        if (name === undefined) return // what was above has gone, and so has everything else
        continue
      }
      const last = here
      here = next
      try {
        if (name === undefined) leave(levels, { at: through(last), parent: through(next) }, visit)
        else levels.push({ name, left: directoriesIn(through(next)) })
      } finally {
        closeSync(last)
      }
    }
  } finally {
    closeSync(here)
  }
}

function leave(levels: Level[], place: Pick<Step, 'at' | 'parent'>, visit: (step: Step) => void): void {
  const names = () => join(...levels.map(({ name }) => name), level?.name ?? '')
  const level = levels.pop()
  if (level) visit({ ...place, name: level.name, path: names })
}

const through = (fd: number): string => `/proc/self/fd/${fd}`

const isRemoved = (error: unknown): boolean =>
  // ENODEV is what a kernfs directory gives that was open when it was removed.
  ['ENOENT', 'ENODEV'].includes(errnoOf(error) ?? '')

/** Undefined when it was removed meanwhile. */
function openDirectory(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  } catch (error) {
    if (isRemoved(error)) return undefined
    throw error
  }
}

function directoriesIn(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
  } catch (error) {
    if (isRemoved(error)) return []
    throw error
  }
}
