/** Which systemd is asked for cgroups, and at which sockets it may be found. Pure. */
import type { Host } from '../../host/facts.ts'

export interface BusAddress {
  /** A path, or a name that begins with NUL: unix(7), abstract. */
  readonly path: string
  /** systemd's own socket, without a message bus in between. */
  readonly isDirect: boolean
}

export interface ManagerPlace {
  readonly manager: 'system' | 'user'
  /** In the order in which they are tried. */
  readonly addresses: readonly BusAddress[]
}

type Facts = Pick<Host, 'env' | 'uid' | 'uidMap' | 'realRoot' | 'ownsSystemManager'>

/** The id that a peer outside of our user namespace sees. */
export function outerUid({ uid, uidMap }: Pick<Host, 'uid' | 'uidMap'>): number {
  const range = uidMap.find(({ inner, size }) => uid >= inner && uid < inner + size)
  return range === undefined ? uid : range.outer + (uid - range.inner)
}

/** Asking the system's manager as a user ends in "Interactive authentication required": only its owner asks it. */
export function managerPlace(host: Facts): ManagerPlace {
  const isSystem = host.realRoot || host.ownsSystemManager
  return isSystem
    ? { manager: 'system', addresses: systemAddresses(host.env) }
    : { manager: 'user', addresses: userAddresses(host) }
}

const direct = (path: string): BusAddress => ({ path, isDirect: true })
const viaBus = (path: string): BusAddress => ({ path, isDirect: false })

/** systemd's own socket first: it is there without a bus, and takes real root only. */
const systemAddresses = (env: Facts['env']): BusAddress[] =>
  distinct([
    ...parseAddresses(env.DBUS_SYSTEM_BUS_ADDRESS, env),
    direct('/run/systemd/private'),
    viaBus('/run/dbus/system_bus_socket'),
  ])

function userAddresses(host: Facts): BusAddress[] {
  const { env } = host
  const directories = [env.XDG_RUNTIME_DIR ?? '', `/run/user/${outerUid(host)}`].filter((path) => path.startsWith('/'))
  return distinct([
    ...parseAddresses(env.DBUS_SESSION_BUS_ADDRESS, env),
    ...directories.flatMap((path) => [direct(`${path}/systemd/private`), viaBus(`${path}/bus`)]),
  ])
}

const distinct = (addresses: readonly BusAddress[]): BusAddress[] =>
  addresses.filter(({ path }, i) => addresses.findIndex((other) => other.path === path) === i)

/** D-Bus Specification, "Server Addresses": only unix sockets can be systemd's. */
export function parseAddresses(text: string | undefined, env: Facts['env']): BusAddress[] {
  return (text ?? '').split(';').flatMap((address) => {
    const [, transport, rest = ''] = /^([^:]*):(.*)$/.exec(address) ?? []
    if (transport !== 'unix') return []
    const keys = new Map(rest.split(',').map((pair) => splitPair(pair)))
    const [path, abstract] = [keys.get('path'), keys.get('abstract')]
    if (path?.startsWith('/')) return [{ path, isDirect: path.endsWith('/systemd/private') }]
    if (abstract) return [viaBus(`\0${abstract}`)]
    return keys.get('runtime') === 'yes' && env.XDG_RUNTIME_DIR ? [viaBus(`${env.XDG_RUNTIME_DIR}/bus`)] : []
  })
}

function splitPair(pair: string): [string, string] {
  const equals = pair.indexOf('=')
  const value = pair.slice(equals + 1)
  return [pair.slice(0, equals), unescapeValue(value)]
}

/** `%2f` → `/`, byte by byte. */
const unescapeValue = (value: string): string =>
  Buffer.from(
    value.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  ).toString()
