/** Mount options as config.json lists them, turned into the numbers of mount(2) and mount_setattr(2). Pure. */
import * as k from '../../kernel/constants.ts'
import { type MountExtension, mountExtension, mountExtensions } from '../../spec/names.ts'
import { isBuilt } from '../../spec/support.ts'

/**
 * `flags` is for a new file system; `attr…` says the same for a bind, whose flags mount(2) ignores at first. Apply the
 * recursive attributes before the others: `rro` then `rw` is a writable mount over read-only children.
 */
export interface ParsedMount {
  /** MS_* without MS_BIND, MS_REC, MS_REMOUNT and the propagation, which stand beside it. */
  readonly flags: number
  readonly bind: boolean
  /** `rbind` was among the options; a `bind` beside it changes nothing. */
  readonly recursive: boolean
  readonly remount: boolean
  /** MOUNT_ATTR_*; an access time is set together with the clearing of its whole field, as the kernel demands. */
  readonly attrSet: number
  readonly attrClear: number
  /** From options such as `rro`: for the mount and all below it. */
  readonly recursiveAttrSet: number
  readonly recursiveAttrClear: number
  /** MS_PRIVATE and so on, with MS_REC where asked, in order; one call of mount(2) each. */
  readonly propagation: readonly number[]
  /** Everything that is no option of ours, joined by commas, for the file system itself. */
  readonly data: string
  readonly extensions: ReadonlySet<MountExtension>
  /** Options in force that take a flag away (`rw`, `dev`, `relatime`, `rsuid`): on a locked flag they must fail. */
  readonly clearsExplicitly: readonly string[]
}

/** One option: what it does, as data. */
type Row =
  | { readonly kind: 'bind' | 'rbind' | 'remount' | 'defaults' }
  | { readonly kind: 'propagation'; readonly flag: number }
  | { readonly kind: 'superblock'; readonly flag: number; readonly on: boolean }
  | AttributeRow

interface AttributeRow {
  readonly kind: 'attribute'
  readonly flag: number
  readonly attr: number
  /** Bits that it decides: its own, or the whole access time field. */
  readonly mask: number
  readonly on: boolean
  readonly recursive: boolean
  /** Does it take a flag away that the source of a bind may have? */
  readonly clears: boolean
}

const ATIME_FLAGS = k.MS_NOATIME | k.MS_RELATIME | k.MS_STRICTATIME
const ATIME = k.MOUNT_ATTR__ATIME

const table: ReadonlyMap<string, Row> = new Map([
  ['defaults', { kind: 'defaults' }],
  ['bind', { kind: 'bind' }],
  ['rbind', { kind: 'rbind' }],
  ['remount', { kind: 'remount' }],
  ['dirsync', { kind: 'superblock', flag: k.MS_DIRSYNC, on: true }],
  ...superblock('sync', 'async', k.MS_SYNCHRONOUS),
  ...superblock('mand', 'nomand', k.MS_MANDLOCK),
  ...superblock('silent', 'loud', k.MS_SILENT),
  ...superblock('iversion', 'noiversion', k.MS_I_VERSION),
  ...superblock('lazytime', 'nolazytime', k.MS_LAZYTIME),
  ...attribute('ro', 'rw', { flag: k.MS_RDONLY, attr: k.MOUNT_ATTR_RDONLY }),
  ...attribute('nosuid', 'suid', { flag: k.MS_NOSUID, attr: k.MOUNT_ATTR_NOSUID }),
  ...attribute('nodev', 'dev', { flag: k.MS_NODEV, attr: k.MOUNT_ATTR_NODEV }),
  ...attribute('noexec', 'exec', { flag: k.MS_NOEXEC, attr: k.MOUNT_ATTR_NOEXEC }),
  ...attribute('nodiratime', 'diratime', { flag: k.MS_NODIRATIME, attr: k.MOUNT_ATTR_NODIRATIME }),
  ...attribute('nosymfollow', 'symfollow', { flag: k.MS_NOSYMFOLLOW, attr: k.MOUNT_ATTR_NOSYMFOLLOW }),
  ...attribute('noatime', 'atime', { flag: k.MS_NOATIME, attr: k.MOUNT_ATTR_NOATIME, mask: ATIME }),
  ...attribute('relatime', 'norelatime', { flag: k.MS_RELATIME, attr: k.MOUNT_ATTR_RELATIME, mask: ATIME }),
  ...attribute('strictatime', 'nostrictatime', { flag: k.MS_STRICTATIME, attr: k.MOUNT_ATTR_STRICTATIME, mask: ATIME }),
  ...propagation('private', k.MS_PRIVATE),
  ...propagation('shared', k.MS_SHARED),
  ...propagation('slave', k.MS_SLAVE),
  ...propagation('unbindable', k.MS_UNBINDABLE),
])

function superblock(on: string, off: string, flag: number): [string, Row][] {
  return [
    [on, { kind: 'superblock', flag, on: true }],
    [off, { kind: 'superblock', flag, on: false }],
  ]
}

interface Bits {
  readonly flag: number
  readonly attr: number
  readonly mask?: number
}

/** A flag that every mount has for itself, and the recursive pair of it. */
function attribute(on: string, off: string, { flag, attr, mask = attr }: Bits): [string, Row][] {
  const row = { kind: 'attribute', flag, attr, mask } as const
  // Setting one access time takes away another, unless it is the only one that the kernel lets us add: noatime.
  const clears = mask === ATIME && attr !== k.MOUNT_ATTR_NOATIME
  return [false, true].flatMap((recursive): [string, Row][] => [
    [recursive ? `r${on}` : on, { ...row, on: true, recursive, clears }],
    [recursive ? `r${off}` : off, { ...row, on: false, recursive, clears: true }],
  ])
}

function propagation(name: string, flag: number): [string, Row][] {
  return [
    [name, { kind: 'propagation', flag }],
    [`r${name}`, { kind: 'propagation', flag: flag | k.MS_REC }],
  ]
}

/** The names of all options that take effect here, sorted; extensions that are not built yet are not among them. */
export function mountOptionNames(): string[] {
  return [...table.keys(), ...mountExtensions.filter(isBuilt)].toSorted()
}

interface Attributes {
  set: number
  clear: number
}

interface State {
  flags: number
  bind: boolean
  recursive: boolean
  remount: boolean
  readonly alone: Attributes
  readonly deep: Attributes
  readonly propagation: number[]
  /** The options in force that clear, by the bits they decide. */
  readonly clears: { readonly alone: Map<number, string>; readonly deep: Map<number, string> }
}

/** Of options that contradict each other the later wins. Unknown ones are no error but data for the file system. */
export function parseMountOptions(options: readonly string[]): ParsedMount {
  const state: State = {
    flags: 0,
    bind: false,
    recursive: false,
    remount: false,
    alone: { set: 0, clear: 0 },
    deep: { set: 0, clear: 0 },
    propagation: [],
    clears: { alone: new Map(), deep: new Map() },
  }
  const data: string[] = []
  const extensions = new Set<MountExtension>()
  for (const option of options) {
    const row = table.get(option)
    const extension = mountExtension(option)
    if (row !== undefined) apply(state, row, option)
    else if (extension !== undefined) extensions.add(extension)
    else if (option !== '') data.push(option)
  }
  const { alone, deep, clears, ...rest } = state
  return {
    ...rest,
    attrSet: alone.set,
    attrClear: alone.clear,
    recursiveAttrSet: deep.set,
    recursiveAttrClear: deep.clear,
    data: data.join(','),
    extensions,
    clearsExplicitly: [...clears.alone.values(), ...clears.deep.values()],
  }
}

function apply(state: State, row: Row, option: string): void {
  switch (row.kind) {
    case 'defaults':
      return
    case 'remount':
      state.remount = true
      return
    case 'bind':
    case 'rbind':
      state.bind = true
      state.recursive ||= row.kind === 'rbind'
      return
    case 'propagation':
      state.propagation.push(row.flag)
      return
    case 'superblock':
      state.flags = row.on ? state.flags | row.flag : state.flags & ~row.flag
      return
    case 'attribute':
      applyAttribute(state, row, option)
  }
}

function applyAttribute(state: State, row: AttributeRow, option: string): void {
  const { flag, mask, on, recursive } = row
  if (recursive) {
    // It decides for the mount itself too, so what was said before about that alone is void.
    state.alone.set &= ~mask
    state.alone.clear &= ~mask
    state.clears.alone.delete(mask)
  } else if (on) {
    state.flags = (mask === ATIME ? state.flags & ~ATIME_FLAGS : state.flags) | flag
  } else {
    state.flags &= ~flag
  }
  const scope = recursive ? 'deep' : 'alone'
  change(state[scope], row)
  if (row.clears) state.clears[scope].set(mask, option)
  else state.clears[scope].delete(mask)
}

/** Taking away an access time that is not in force leaves the one that is; its field is always cleared as a whole. */
function change(attributes: Attributes, { attr, mask, on }: AttributeRow): void {
  if (on) attributes.set = (attributes.set & ~mask) | attr
  else if ((attributes.set & mask) === attr) attributes.set &= ~mask
  attributes.clear = on && mask !== ATIME ? attributes.clear & ~mask : attributes.clear | mask
}
