/** The program's environment: of two entries with one name the later wins, and HOME is always there and not empty. */

/** Used when the container's environment has no PATH: where every distribution keeps its programs. */
export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

export interface Environment {
  /** Home directory of the user by the container's own passwd file; `/` when it has no entry. */
  readonly home: string
  /** Descriptors from socket activation: sd_listen_fds(3). */
  readonly listenFds: number
  /** Their names, if the service manager gave them some. */
  readonly listenFdNames?: string | undefined
}

export function environmentOf(entries: readonly string[], { home, listenFds, listenFdNames }: Environment) {
  const values = new Map<string, string>()
  for (const entry of entries) {
    const equals = entry.indexOf('=')
    const name = equals < 0 ? entry : entry.slice(0, equals)
    values.delete(name)
    values.set(name, entry)
  }
  if ((values.get('HOME') ?? 'HOME=') === 'HOME=') values.set('HOME', `HOME=${home}`)
  if (listenFds > 0) {
    values.set('LISTEN_FDS', `LISTEN_FDS=${listenFds}`)
    values.set('LISTEN_PID', 'LISTEN_PID=1')
    if (listenFdNames !== undefined) values.set('LISTEN_FDNAMES', `LISTEN_FDNAMES=${listenFdNames}`)
  }
  const path = values.get('PATH')
  return { env: [...values.values()], search: path === undefined ? DEFAULT_PATH : path.slice('PATH='.length) }
}
