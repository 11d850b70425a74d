/**
 * Where else the files of a path can be seen: through bind mounts, the top of a file system of which only a part is mounted
 * in its place (subvolumes of Btrfs, OSTree), and overlays. What the kernel shows as one file system is one; a copy, and
 * what a FUSE program or a network makes of it, is not known. Pure.
 */
import { normalize } from 'node:path'
import type { Mount } from './facts.ts'
import { isCovered, isWithin, plain, type Shown } from './mountinfo.ts'

export interface OtherPlace {
  readonly path: string
  /** It has no name in its file system any more, and nothing can be mounted on it. */
  readonly isRemoved: boolean
}

/** What is at the top of mounts: their own, and what the layers of overlays are. */
interface Top {
  readonly path: string
  readonly mounts: Mount[]
}

type Tops = Map<string, Map<string, Top>>

/** The kernel stacks no more: FILESYSTEM_MAX_STACK_DEPTH. */
const MOST_STACKED = 2

/** Mounts that are looked up often: an engine's host has hundreds of overlays of dozens of layers. */
export class OtherMounts {
  readonly #mounts: readonly Mount[]
  readonly #byTarget = new Map<string, Mount[]>()
  readonly #covered = new Map<Mount, boolean>()
  #tops: Tops | undefined
  readonly #seen = new Map<string, readonly Mount[]>()
  readonly #shown = new Map<string, readonly Shown[]>()
  readonly #layers = new Map<string, readonly string[]>()
  readonly #realOf: (path: string) => string

  /** `realOf`: where a path leads when its links are followed; itself where that is not known. */
  constructor(mounts: readonly Mount[], realOf: (path: string) => string = (path) => path) {
    this.#mounts = mounts
    this.#realOf = realOf
    for (const mount of mounts) {
      const there = this.#byTarget.get(mount.target)
      if (there) there.push(mount)
      else this.#byTarget.set(mount.target, [mount])
    }
  }

  /** Places outside of `path`, which is absolute, clean and without links, that show it or something of it. */
  placesOf(path: string): OtherPlace[] {
    this.#tops ??= this.#readTops()
    const places = new Map<string, OtherPlace>()
    for (const source of this.#sourcesOf(path))
      for (const top of this.#tops.get(source.device)?.values() ?? [])
        if (isWithin(top.path, source.path) || isWithin(source.path, top.path))
          for (const place of this.#placesIn(top, source)) places.set(place.path, place)
    return [...places.values()].filter((place) => !isWithin(place.path, path))
  }

  /** Mounts elsewhere of what is mounted below `path`, as far as they show no more than that. */
  mountsOfThoseBelow(path: string): OtherPlace[] {
    const below = this.#mounts.filter(({ target }) => target !== path && isWithin(target, path))
    const isOne = (mount: Mount) =>
      below.some((one) => one.device === mount.device && isWithin(rootOf(mount), rootOf(one)))
    const others = below.length === 0 ? [] : this.#mounts.filter((mount) => !isWithin(mount.target, path))
    return others
      .filter((mount) => isOne(mount) && !this.#isCovered(mount))
      .map((mount) => ({ path: mount.target, isRemoved: isRemoved(mount) }))
  }

  /** What `path` shows; of an overlay what lies beneath it as well. */
  #sourcesOf(path: string, depth = 0): readonly Shown[] {
    const key = `${depth}${path}`
    const known = this.#shown.get(key)
    if (known !== undefined) return known
    const sources = this.#seenAt(path).flatMap((mount) => {
      const below = mount.target === '/' ? path : path.slice(mount.target.length)
      const layers = depth > MOST_STACKED ? [] : this.#layersOf(mount)
      const beneath = layers.flatMap((layer) => this.#sourcesOf(joined(layer, below), depth + 1))
      return [{ device: mount.device, path: joined(rootOf(mount), below) }, ...beneath]
    })
    this.#shown.set(key, sources)
    return sources
  }

  /** By device and path, because containers share most of their layers. */
  #readTops(): Tops {
    const tops: Tops = new Map()
    const put = ({ device, path }: Shown, mount: Mount) => {
      const there = tops.get(device) ?? new Map<string, Top>()
      tops.set(device, there)
      const top = there.get(path)
      if (top) top.mounts.push(mount)
      else there.set(path, { path, mounts: [mount] })
    }
    for (const mount of this.#mounts) {
      put({ device: mount.device, path: rootOf(mount) }, mount)
      // The root has everything in its place, and its layers may be paths of the host around a container.
      const layers = mount.target === '/' ? [] : this.#layersOf(mount)
      for (const layer of layers) for (const shown of this.#sourcesOf(layer, 1)) put(shown, mount)
    }
    return tops
  }

  /** One that leads into the overlay itself is a path of before it was mounted. */
  #layersOf(mount: Mount): string[] {
    const layers = layersOf(mount).flatMap((layer) => this.#pathsOf(layer))
    return layers.filter((layer) => !this.#seenAt(layer).includes(mount))
  }

  /** It may be written with links and dots, and links may lead elsewhere since. */
  #pathsOf(layer: string): readonly string[] {
    const known = this.#layers.get(layer)
    if (known !== undefined) return known
    const paths = [...new Set([layer, this.#realOf(layer)].map((path) => withoutSlash(normalize(path))))]
    this.#layers.set(layer, paths)
    return paths
  }

  #placesIn(top: Top, source: Shown): OtherPlace[] {
    const isPart = isWithin(top.path, source.path)
    const below = isPart ? '' : source.path.slice(top.path === '/' ? 0 : top.path.length)
    return top.mounts.flatMap((mount) => {
      const path = joined(mount.target, below)
      return this.#seenAt(path).includes(mount) ? [{ path, isRemoved: isRemoved(mount) }] : []
    })
  }

  /** The mount that the path leads into. */
  #seenAt(path: string): readonly Mount[] {
    const known = this.#seen.get(path)
    if (known !== undefined) return known
    const above: Mount[] = []
    for (let at = path; at !== ''; at = at.slice(0, at.lastIndexOf('/'))) above.push(...(this.#byTarget.get(at) ?? []))
    if (path !== '/') above.push(...(this.#byTarget.get('/') ?? []))
    const isBehind = (mount: Mount) => above.some((other) => other.parent === mount.id && other.id !== mount.id)
    const seen = above.filter((mount) => !isBehind(mount) && !this.#isCovered(mount))
    this.#seen.set(path, seen)
    return seen
  }

  #isCovered(mount: Mount): boolean {
    const known = this.#covered.get(mount)
    if (known !== undefined) return known
    const is = isCovered(this.#mounts, mount)
    this.#covered.set(mount, is)
    return is
  }
}

/** The kernel marks what is removed and still mounted. */
const mark = /\/\/deleted$/
const isRemoved = ({ root }: Mount): boolean => mark.test(root)
const rootOf = ({ root }: Mount): string => root.replace(mark, '')

function joined(top: string, below: string): string {
  const path = below.replace(/^\//, '')
  return path === '' ? top : `${top === '/' ? '' : top}/${path}`
}

const layerOption = /^(?:lowerdir|lowerdir\+|datadir\+|upperdir)=(.*)$/s

/** The directories that an overlay puts together, as whoever mounted it wrote them; relative ones lead nowhere. */
function layersOf({ fstype, superOptions }: Mount): string[] {
  if (fstype !== 'overlay') return []
  return superOptions.flatMap((option) => {
    const text = layerOption.exec(option)?.[1] ?? ''
    return (text.includes('\\') ? unescaped(plain(text)) : text.split(':')).filter((path) => path.startsWith('/'))
  })
}

const withoutSlash = (path: string): string => (path.endsWith('/') ? path.replace(/(.)\/+$/, '$1') : path)

/** A colon in a name is written with a backslash before it. */
const unescaped = (text: string): string[] => text.split(/(?<!\\):/).map((path) => path.replace(/\\([\s\S])/g, '$1'))
