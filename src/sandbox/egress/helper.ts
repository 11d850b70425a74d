/** Programs that connect a network namespace without root: pasta and slirp4netns. Their options. Pure. */
import { parseAddress } from './addresses.ts'

export type HelperName = 'pasta' | 'slirp4netns'

export interface Publication {
  /** Of the host. */
  readonly address: string
  readonly hostPort: number
  /** Of the command. */
  readonly port: number
}

export interface Helper {
  readonly name: HelperName
  readonly publish: readonly Publication[]
}

export const isHelper = (net: string): net is HelperName => net === 'pasta' || net === 'slirp4netns'

/** Where the program answers for the name server of the host. */
export const nameServerOf = ({ name }: Helper): string => (name === 'pasta' ? '169.254.1.1' : '10.0.2.3')

export function checkHelper(
  { net = 'none', publish = [] }: { readonly net?: string; readonly publish?: readonly string[] },
  wrong: (option: string, why: string) => Error,
): Helper | undefined {
  if (!isHelper(net)) {
    if (publish.length > 0) throw wrong('publish', 'ports are published with net pasta or slirp4netns')
    return undefined
  }
  const published = publish.map((text) => {
    const [, plain, bracketed, host, port] = /^(?:([\d.]+):|\[([\da-fA-F:.]+)\]:)?(\d{1,5}):(\d{1,5})$/.exec(text) ?? []
    const address = plain ?? bracketed ?? '127.0.0.1'
    const [hostPort, inner] = [Number(host), Number(port)]
    const isPort = (number: number) => number >= 1 && number <= 65535
    if (parseAddress(address) === undefined || !isPort(hostPort) || !isPort(inner))
      throw wrong('publish', `${JSON.stringify(text)} is not like 8080:80, 127.0.0.1:8080:80 or [::1]:8080:80`)
    if (bracketed !== undefined && net === 'slirp4netns')
      throw wrong('publish', `${JSON.stringify(text)}: slirp4netns publishes on addresses of IPv4 only, pasta on both`)
    return { address, hostPort, port: inner }
  })
  return { name: net, publish: published }
}

/** The descriptors that the program gets. */
export const NET_FD = 3
export const USER_FD = 4
export const READY_FD = 5
/** The directory of its socket, where it has one. */
export const PLACE_FD = 6

export interface Call {
  readonly program: string
  /** `api`: where slirp4netns takes requests for ports; undefined without ports. */
  readonly api: string | undefined
  readonly isRoot: boolean
}

export function helperArguments({ name, publish }: Helper, { program, api, isRoot }: Call): string[] {
  if (name === 'slirp4netns') {
    // its own sandbox needs a user 0 in the user namespace
    const safety = ['--disable-host-loopback', '--enable-seccomp', ...(isRoot ? ['--enable-sandbox'] : [])]
    const where = ['--netns-type=path', `--userns-path=/proc/self/fd/${USER_FD}`]
    const socket = api === undefined ? [] : ['--api-socket', api]
    const ready = ['--ready-fd', String(READY_FD)]
    return [
      program,
      '--configure',
      '--mtu=65520',
      ...safety,
      ...ready,
      ...socket,
      ...where,
      `/proc/self/fd/${NET_FD}`,
      'tap0',
    ]
  }
  const ports = publish.flatMap(({ address, hostPort, port }) => ['-t', `${address}/${hostPort}:${port}`])
  return [
    ...[program, '--foreground', '--quiet', '--config-net', '--no-map-gw'],
    // as a start, it changes to nobody, who may not enter our namespaces
    ...(isRoot ? ['--runas', '0:0'] : []),
    ...['--dns-forward', '169.254.1.1', '-u', 'none', '-T', 'none', '-U', 'none'],
    ...(ports.length === 0 ? ['-t', 'none'] : ports),
    // written when all is ready
    ...['--pid', `/proc/self/fd/${READY_FD}`],
    ...['--userns', `/proc/self/fd/${USER_FD}`, '--netns', `/proc/self/fd/${NET_FD}`],
  ]
}
