/**
 * crun's annotation, which podman sets for `--group-add keep-groups`: the supplementary groups of the caller stay, unmapped
 * or not. It opens to the container whatever they open outside.
 */

import { KEEP_GROUPS } from '../../spec/names.ts'
import type { Spec } from '../../spec/types.ts'

export const keepsGroups = ({ annotations }: Pick<Spec, 'annotations'>): boolean => annotations?.[KEEP_GROUPS] === '1'
