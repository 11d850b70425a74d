/** `usnea daemon`: the task service, until SIGTERM or SIGINT. Tasks go on without it. SIGHUP reads the settings again. */
import { RuntimeError } from '../../base/errors.ts'
import type { LiveRegistry } from '../../runtimes/open.ts'
import { defineCommand } from '../command.ts'
import type { Session } from '../session.ts'
import { findPlaces, hostOptions, serviceFlags } from '../tasks-session.ts'

/** sd_listen_fds(3): the first descriptor that is handed over. */
const FIRST = 3

export const command = defineCommand({
  name: 'daemon',
  usage: '',
  summary:
    'the task service, in the foreground; tasks go on when it ends, and are found again; SIGHUP reads the settings again',
  flags: serviceFlags,
  count: [0, 0],
  isForeground: () => true,
  async run({ flags }, session) {
    const { hostTasks } = await import('../../tasks/socket/listen.ts')
    const places = await findPlaces(flags.service, session)
    const options = await hostOptions(places, session)
    const facts = await session.host()
    const { env } = facts
    const listener = listenerOf(env)
    const { openRegistry } = await import('../../runtimes/open.ts')
    const registry = await openRegistry(facts, { stateRoot: places.oci })
    const given = { registry: () => registry.current, ...(listener !== undefined && { listener }) }
    const host = await hostTasks({ ...options, ...given })
    process.on('SIGHUP', () => void reload(registry, session, env.NOTIFY_SOCKET))
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

/** Tasks have what they need on disk, so nothing changes for them. Settings that are wrong change nothing at all. */
async function reload(registry: LiveRegistry, session: Session, socket: string | undefined): Promise<void> {
  await tell(`RELOADING=1\nMONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`, socket)
  try {
    const { added, removed, changed } = await registry.reload()
    const words = Object.entries({ added, removed, changed }).filter(([, names]) => names.length > 0)
    const text = words.map(([word, names]) => `${word}: ${names.join(' ')}`).join('; ')
    session.note(`the settings were read again: ${text || 'no runtime has changed'}`, true)
  } catch (error) {
    session.note(`the settings stay as they were: ${(error as Error).message}`, true)
  }
  await tell('READY=1', socket)
}

async function tell(text: string, socket: string | undefined): Promise<void> {
  if (socket === undefined) return
  const { native } = await import('../../kernel/native.ts')
  native().notify(socket, text)
}
