/** What is shown of tasks: tables with ctr's words, or JSON, one value a line. */
import type { Event, TaskInfo } from '../../tasks/index.ts'
import { printTable } from './table.ts'

export function printTasks(tasks: readonly TaskInfo[]): string {
  const rows = tasks.map(({ id, pid, status, exit, runtime, created }) => {
    const shown = status === 'stopped' && exit !== undefined ? `STOPPED (${exit.exitStatus})` : status.toUpperCase()
    return [id, String(pid), shown, runtime.replace(/^.*\//, ''), created]
  })
  return printTable([['TASK', 'PID', 'STATUS', 'RUNTIME', 'CREATED'], ...rows])
}

/** As `ctr events` does: time, namespace, topic, and the event. */
export function printEvents(events: readonly Event[], json: boolean): string {
  return events
    .map((event) =>
      json ? JSON.stringify(event) : `${event.time} ${event.namespace} ${event.topic} ${JSON.stringify(event.event)}`,
    )
    .map((line) => `${line}\n`)
    .join('')
}

/** Every number of a cgroup that is not zero, with its path. */
export function printMetrics(metrics: object): string {
  const rows: [string, string][] = []
  const walk = (value: unknown, path: string) => {
    if (Array.isArray(value)) for (const [at, item] of value.entries()) walk(item, `${path}[${at}]`)
    else if (typeof value === 'object' && value !== null)
      for (const [name, item] of Object.entries(value)) walk(item, path === '' ? name : `${path}.${name}`)
    else if (value !== 0 && value !== undefined && value !== '') rows.push([path, String(value)])
  }
  walk(metrics, '')
  return printTable([['METRIC', 'VALUE'], ...rows])
}
