/** Where a mount comes from and where it goes. */
import { isAbsolute, resolve } from 'node:path'
import type { Mount } from '../../spec/types.ts'

/** On the host; a relative source is the bundle's. */
export function sourceOf({ source = '' }: Mount, { bundle }: { readonly bundle: string }): string {
  return isAbsolute(source) ? resolve(source) : resolve(bundle, source)
}

/** In the container; a relative destination (deprecated) counts from the root. */
export const targetOf = ({ destination }: Mount): string => resolve('/', destination)
