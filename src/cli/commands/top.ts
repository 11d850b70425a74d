/** `usnea top`: what runs, again and again on a terminal, else once. */
import { setTimeout as sleep } from 'node:timers/promises'
import { RuntimeError } from '../../base/errors.ts'
import { isTerminal } from '../../base/files.ts'
import { parseDuration } from '../../base/units.ts'
import type { Running } from '../../container/top.ts'
import { defineCommand } from '../command.ts'
import { printTop, printTopJson } from '../print/top.ts'
import type { Session } from '../session.ts'

export const command = defineCommand({
  name: 'top',
  usage: '',
  summary: 'show the running sandboxes, containers and tasks of this user, and what they use',
  examples: ['usnea top', 'usnea top --once', "usnea top --json | jq '.[] | select(.memory > 1e9)'"],
  flags: [
    { name: 'once', kind: 'boolean', help: 'print one table; so it does where stdout is no terminal' },
    { name: 'json', kind: 'boolean', help: 'print one JSON array' },
    { name: 'all', kind: 'boolean', help: 'sandboxes of other users too; root sees them anyway' },
    {
      name: 'interval',
      kind: 'text',
      value: 'TIME',
      help: 'between two looks, such as 1s or 500ms (2s)',
      empty: 'kept',
    },
  ],
  count: [0, 0],
  async run({ flags }, session) {
    const interval = readInterval(flags.interval ?? '2s')
    const look = () => everything(session, flags.all)
    if (flags.json) session.print(printTopJson(await look()))
    else if (flags.once || !isTerminal(1)) session.print(printTop(await look()))
    else await live(session, look, interval)
    return 0
  },
})

const LEAST_MS = 100

function readInterval(text: string): number {
  const interval = parseDuration(text)
  if (interval === undefined || interval < LEAST_MS)
    throw new RuntimeError('usage', {
      what: `invalid value "${text}" for --interval: write 2s or 500ms, at least 100ms`,
    })
  return interval
}

async function everything(session: Session, everybody: boolean): Promise<Running[]> {
  const { runningContainers, runningSandboxes, runningTask } = await import('../../container/top.ts')
  const { readPlaces } = await import('../tasks-session.ts')
  const { recordedTasks } = await import('../../tasks/running.ts')
  const host = await session.host()
  const places = await readPlaces(session)
  return [
    ...runningSandboxes(host.uid, everybody),
    ...runningContainers(await session.context()),
    ...recordedTasks(places).flatMap(({ id, process }) => runningTask(id, process) ?? []),
  ]
}

/** Until it is interrupted. The screen of before comes back then: console_codes(4), "alternate screen". */
async function live(session: Session, look: () => Promise<Running[]>, interval: number): Promise<void> {
  const ended = new AbortController()
  const end = () => ended.abort()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, end)
  session.print('\x1b[?1049h\x1b[?25l')
  try {
    let before: readonly Running[] = []
    let since = performance.now()
    while (!ended.signal.aborted) {
      const now = await look()
      const passedMs = performance.now() - since
      since = performance.now()
      const size = { rows: process.stdout.rows || 24, columns: process.stdout.columns || 80 }
      const table = printTop(now, { before, passedMs, ...size, isBold: session.isColoured })
      session.print(`\x1b[H${table.replaceAll('\n', '\x1b[K\n')}\x1b[J`)
      before = now
      await sleep(interval, undefined, { signal: ended.signal }).catch(() => {})
    }
  } finally {
    session.print('\x1b[?25h\x1b[?1049l')
  }
}
