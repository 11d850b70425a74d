/** Options of a file system that name ids: one that is not mapped would make the whole mount fail with EINVAL. */
import type { Degradation } from '../../base/issue.ts'
import { holds, type Scene } from '../scene.ts'
import type { Item } from './item.ts'

export function fitData({ options, mount, origin }: Item, scene: Scene): { data: string; degradations: Degradation[] } {
  const degradations: Degradation[] = []
  const uid = scene.maps?.uid ?? scene.host.uidMap
  const gid = scene.maps?.gid ?? scene.host.gidMap
  const kept = options.data.split(',').filter((option) => {
    const id = /^(uid|gid)=(\d+)$/.exec(option)
    if (!id || holds(id[1] === 'uid' ? uid : gid, Number(id[2]))) return true
    const message = `${mount.type} is mounted without ${option}: the id is not mapped in the user namespace`
    degradations.push({ pointer: `${origin}/options`, message })
    return false
  })
  return { data: kept.filter((option) => option !== '').join(','), degradations }
}
