/** The containers of `list`, as a table, as JSON, or as bare ids. */
import type { ContainerState } from '../../container/state.ts'
import { orderedState } from '../../container/state-text.ts'
import { printTable } from './table.ts'

export function printListTable(containers: readonly ContainerState[]): string {
  const head = ['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER']
  const rows = containers.map(({ id, pid, status, bundle, created, owner }) => {
    return [id, String(pid), status, bundle, created, owner]
  })
  return printTable([head, ...rows])
}

/** One line. `[]` and not `null` when there are none. */
export function printListJson(containers: readonly ContainerState[]): string {
  return `${JSON.stringify(containers.map(orderedState))}\n`
}

export function printIds(containers: readonly ContainerState[]): string {
  return containers.map(({ id }) => `${id}\n`).join('')
}
