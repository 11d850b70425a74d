/** What /proc says of a process that is to be dumped, or of criu itself. */
import { openSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { readMounts } from '../../host/mountinfo.ts'
import type { CriuOptions } from './messages.ts'

/** The inode of a namespace; undefined when the process is gone. */
export function namespaceInode(pid: number, file: string): string | undefined {
  try {
    return /\[(\d+)\]/.exec(readlinkSync(`/proc/${pid}/ns/${file}`))?.[1]
  } catch {
    return undefined
  }
}

/** The network namespace of a process, open. */
export const openNetwork = (pid: number): number => openSync(`/proc/${pid}/ns/net`, 'r')

export const mountsOf = (pid: number) => readMounts('/proc', pid)

export interface Stdio {
  /** Of descriptors 0, 1 and 2: what they are, or the name by which criu leaves them out. */
  readonly descriptors: readonly string[]
  /** The names among them that criu must be told. */
  readonly external: readonly string[]
}

/**
 * A pipe can be given another end at restore. A file that lies on no mount of the container (a log, /dev/null of the host)
 * could not be found again, so it is left out by name; a terminal that lies on none only where that is asked for.
 */
export function stdioOf(pid: number, { shellJob }: { readonly shellJob: boolean }): Stdio {
  const inside = new Set(mountsOf(pid).map(({ id }) => id))
  const external = new Set<string>()
  const descriptors = [0, 1, 2].map((fd) => {
    const name = outsideFile({ pid, fd, inside, shellJob })
    if (name !== undefined) external.add(name)
    return name ?? linkOf(pid, fd)
  })
  return { descriptors, external: [...external] }
}

function linkOf(pid: number, fd: number): string {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`)
  } catch {
    return ''
  }
}

/** TTY majors of the kernel: a terminal is criu's to find out about. */
const terminals = new Set([4, 5, 136, 137, 138, 139, 140, 141, 142, 143])

interface Descriptor {
  readonly pid: number
  readonly fd: number
  /** Numbers of the container's mounts. */
  readonly inside: ReadonlySet<number>
  readonly shellJob: boolean
}

/** `file[MOUNT:INODE]` or `tty[RDEV:DEV]`, in hexadecimal: criu's names for what it leaves out. */
function outsideFile({ pid, fd, inside, shellJob }: Descriptor): string | undefined {
  try {
    const file = statSync(`/proc/${pid}/fd/${fd}`, { bigint: true })
    const isTerminal = file.isCharacterDevice() && terminals.has(Number((file.rdev >> 8n) & 0xfffn))
    if (isTerminal ? !shellJob : !(file.isFile() || file.isCharacterDevice())) return undefined
    const mount = Number(/^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8'))?.[1])
    if (!Number.isSafeInteger(mount) || inside.has(mount)) return undefined
    const [first, second, type] = isTerminal ? [file.rdev, file.dev, 'tty'] : [mount, file.ino, 'file']
    return `${type}[${first.toString(16)}:${second.toString(16)}]`
  } catch {
    return undefined
  }
}

/**
 * Names of an image for descriptors 0, 1 and 2 that criu can be given instead. A file's path is its name without the first
 * character, as criu keeps it; by the path criu takes the descriptor itself, by the name it would open the file once more
 * and hold its size and mode against the old one's.
 */
export const inheritedStdio = (descriptors: readonly string[]): { key: string; fd: number }[] =>
  descriptors.flatMap((name, fd) => {
    if (name.startsWith('pipe:[') || name.startsWith('tty[')) return [{ key: name, fd }]
    return name.startsWith('file[') ? [{ key: name.slice(1), fd }] : []
  })

/** proc_pid_cgroup(5): where the process is in every tree. */
export function cgroupRootsOf(pid: number): NonNullable<CriuOptions['cgroupRoots']> {
  return readFileSync(`/proc/${pid}/cgroup`, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, controller, path] = /^\d+:([^:]*):(.+)$/.exec(line) ?? []
      return controller === undefined || path === undefined ? [] : [{ controller, path }]
    })
}
