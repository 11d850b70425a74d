/** Which process of a network namespace has a TCP connection open: /proc/PID/net/tcp, and a walk through descriptors. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** Bounds of the walk; a namespace with more is not searched to the end. */
const MOST_PROCESSES = 256
const MOST_DESCRIPTORS = 512

/**
 * @param root the first process of the namespaces; only it and its descendants are looked at
 * @returns undefined where it cannot be found, for instance because it has ended
 */
export function findSocketOwner(
  root: number,
  { localPort, remotePort }: { readonly localPort: number; readonly remotePort: number },
): { pid: number; command: string } | undefined {
  const inode = inodeOf(root, localPort, remotePort)
  if (inode === undefined) return undefined
  const queue = [root]
  for (let i = 0; i < queue.length && i < MOST_PROCESSES; i++) {
    const pid = queue[i] ?? 0
    queue.push(...childrenOf(pid))
    if (pid !== root && hasSocket(pid, inode)) return { pid, command: commandOf(pid) }
  }
  return undefined
}

function inodeOf(root: number, localPort: number, remotePort: number): string | undefined {
  const wanted = [localPort, remotePort].map((port) => `:${port.toString(16).toUpperCase().padStart(4, '0')}`)
  for (const family of ['tcp', 'tcp6'])
    for (const line of read(`/proc/${root}/net/${family}`).split('\n')) {
      const [, local = '', remote = '', , , , , , , inode] = line.trim().split(/\s+/)
      if (local.endsWith(wanted[0] ?? '') && remote.endsWith(wanted[1] ?? '') && inode !== '0') return inode
    }
  return undefined
}

const childrenOf = (pid: number): number[] =>
  read(`/proc/${pid}/task/${pid}/children`).trim().split(' ').filter(Boolean).map(Number)

function hasSocket(pid: number, inode: string): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`)
      .slice(0, MOST_DESCRIPTORS)
      .some((fd) => linkOf(`/proc/${pid}/fd/${fd}`) === `socket:[${inode}]`)
  } catch {
    return false
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}

const commandOf = (pid: number): string => read(`/proc/${pid}/comm`).trim()

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
