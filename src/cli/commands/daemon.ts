/** `usnea daemon`: the task service, until SIGTERM or SIGINT. Tasks go on without it. */
import { RuntimeError } from '../../base/errors.ts'
import { defineCommand } from '../command.ts'
import { findPlaces, hostOptions, serviceFlags } from '../tasks-session.ts'

/** sd_listen_fds(3): the first descriptor that is handed over. */
const FIRST = 3

export const command = defineCommand({
  name: 'daemon',
  usage: '',
  summary: 'the task service, in the foreground; tasks go on when it ends, and are found again',
  flags: serviceFlags,
  count: [0, 0],
  isForeground: () => true,
  async run({ flags }, session) {
    const { hostTasks } = await import('../../tasks/socket/listen.ts')
    const places = await findPlaces(flags.service, session)
    const options = await hostOptions(places, session)
    const { env } = await session.host()
    const listener = listenerOf(env)
    const host = await hostTasks({ ...options, ...(listener !== undefined && { listener }) })
    const ended = new Promise<void>((resolve) => {
      for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve())
    })
    await host.restored
    await tell('READY=1', env.NOTIFY_SOCKET)
    await ended
    await tell('STOPPING=1', env.NOTIFY_SOCKET)
    await host[Symbol.asyncDispose]()
    return 0
  },
})

/** Of socket activation: exactly one, and meant for us. @throws RuntimeError `daemon-socket` */
export function listenerOf(env: Readonly<Record<string, string | undefined>>): number | undefined {
  const { LISTEN_FDS: count, LISTEN_PID: pid } = env
  if (count === undefined || pid !== String(process.pid)) return undefined
  if (count !== '1')
    throw new RuntimeError('daemon-socket', { what: `${count} sockets were handed over, and one is wanted` })
  return FIRST
}

async function tell(text: string, socket: string | undefined): Promise<void> {
  if (socket === undefined) return
  const { native } = await import('../../kernel/native.ts')
  native().notify(socket, text)
}
