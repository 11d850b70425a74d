/** A tmpfs of the spec: with the mode of the directory that it covers and, with `tmpcopyup`, its content. */
import { MOUNT_ATTR_RDONLY, MS_DIRSYNC, MS_LAZYTIME, MS_MANDLOCK, MS_SYNCHRONOUS } from '../../kernel/constants.ts'
import type { Op } from '../../kernel/plan.ts'
import type { Part, Scene } from '../scene.ts'
import { fitData } from './data.ts'
import type { Item } from './item.ts'

/** Flags that belong to the file system and not to one mount of it are options of fsconfig(2). */
const words = [
  ['sync', MS_SYNCHRONOUS],
  ['dirsync', MS_DIRSYNC],
  ['mand', MS_MANDLOCK],
  ['lazytime', MS_LAZYTIME],
] as const

export function planTmpfs(item: Item, scene: Scene): Part {
  const { mount, options, target, origin } = item
  const { data: fitted, degradations } = fitData(item, scene)
  const asked = words.filter(([, flag]) => options.flags & flag).map(([word]) => word)
  const data = [fitted, ...asked].filter((text) => text !== '').join(',')
  const copy = options.extensions.has('tmpcopyup')
  const readonly = (options.attrSet & MOUNT_ATTR_RDONLY) !== 0
  const ops: Op[] = [
    {
      op: 'tmpfs',
      source: mount.source || 'tmpfs',
      target,
      // Read-only at the end: devices are made on /dev after it is mounted, and the copy needs to be written.
      attr: options.attrSet & ~MOUNT_ATTR_RDONLY,
      data,
      inherit: /(?:^|,)mode=/.test(data) ? 0 : 1,
      copy: copy ? 1 : 0,
      origin,
    },
  ]
  if (readonly && target !== '/dev')
    ops.push({ op: 'attr', target, set: MOUNT_ATTR_RDONLY, clear: 0, recursive: 0, spare: 0, locked: 0, origin })
  return { ops, degradations }
}
