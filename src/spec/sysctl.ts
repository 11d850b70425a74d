/**
 * The path of a kernel parameter below /proc/sys. As in sysctl(8) the first separator decides: after a dot first, slashes
 * are literal dots (`net.ipv4.conf.eth0/1.forwarding` and `net/ipv4/conf/eth0.1/forwarding` are the same).
 * Undefined when the name is none, or would lead somewhere else.
 */
export function sysctlPath(key: string): string | undefined {
  const dotted = /[./]/.exec(key)?.[0] === '.'
  const path = dotted ? key.replace(/[./]/g, (separator) => (separator === '.' ? '/' : '.')) : key
  const parts = path.split('/')
  const wrong =
    parts.length < 2 || parts.some((part) => part === '' || part === '.' || part === '..' || part.includes('\0'))
  return wrong ? undefined : path
}
