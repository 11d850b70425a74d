/** The steps of init for a filtered network, and what the command is told of it. Pure. */
import type { Op } from '../../kernel/plan.ts'
import { messages } from '../../kernel/plan-def.ts'
import { type Helper, nameServerOf } from './helper.ts'
import { type Egress, listenedPorts } from './options.ts'

/** Behind stdin, stdout and stderr: where the sockets are sent. */
const CHANNEL = 3
/** An odd one, as a server of the command cannot have it too. */
const PROXY_PORT = 13128

export function planEgress(egress: Egress | undefined): Op[] {
  if (!egress) return []
  return [
    {
      op: 'egress',
      channel: CHANNEL,
      portsOnly: egress.netfilter ? 0 : 1,
      proxyPort: PROXY_PORT,
      ports: listenedPorts(egress),
      origin: 'allow-host',
    },
  ]
}

/** The command waits until the program outside has connected the network. */
export function planHelped(helper: Helper | undefined): Op[] {
  if (!helper) return []
  return [
    { op: 'handNetwork', channel: CHANNEL, origin: 'net' },
    { op: 'wait', message: messages.taken, origin: 'net' },
  ]
}

interface Named {
  readonly egress: Egress | undefined
  readonly helper: Helper | undefined
}

/** `place`: a directory of the sandbox's own that a mount may lie over for a moment. */
export function planResolver({ egress, helper }: Named, place: string, hasFile: boolean): Op[] {
  // without the file every libc asks 127.0.0.1, which is where our own name server is
  const address = egress ? '127.0.0.1' : helper && nameServerOf(helper)
  if (address === undefined || !hasFile) return []
  const origin = egress ? 'allow-host' : 'net'
  return [{ op: 'showText', target: '/etc/resolv.conf', place, text: `nameserver ${address}\n`, origin }]
}

const proxy = `http://127.0.0.1:${PROXY_PORT}`
const own = 'localhost,127.0.0.1,::1'

/** Node looks at the variables only when it is told to, curl at http_proxy only in small letters. */
const variables: Readonly<Record<string, string>> = {
  HTTP_PROXY: proxy,
  HTTPS_PROXY: proxy,
  http_proxy: proxy,
  https_proxy: proxy,
  ALL_PROXY: `socks5h://127.0.0.1:${PROXY_PORT}`,
  all_proxy: `socks5h://127.0.0.1:${PROXY_PORT}`,
  NO_PROXY: own,
  no_proxy: own,
  NODE_USE_ENV_PROXY: '1',
}

export const egressEnvironment = (egress: Egress | undefined): Readonly<Record<string, string>> =>
  egress?.proxyVariables ? variables : {}
