/** The rows of the host's ps that belong to a container. */
import { RuntimeError } from '../../base/errors.ts'

/** Keeps the head and every row whose PID is among `pids`. Throws `ps-failed` when the head has no PID column. */
export function filterProcesses(output: string, pids: readonly number[]): string {
  const [head = '', ...rows] = output.split('\n')
  const column = words(head).indexOf('PID')
  if (column === -1) {
    throw new RuntimeError('ps-failed', {
      what: "couldn't find PID field in ps output",
      fix: 'choose options of ps that print a PID column',
    })
  }
  const wanted = new Set(pids.map(String))
  const kept = rows.filter((row) => wanted.has(words(row)[column] ?? ''))
  return [head, ...kept].map((line) => `${line}\n`).join('')
}

function words(line: string): string[] {
  return line.trim().split(/\s+/)
}
