/** A Landlock ruleset as steps of init: landlock(7). Pure. */
import {
  ACCESS_EXECUTE,
  ACCESS_IOCTL_DEV,
  ACCESS_MAKE_BLOCK,
  ACCESS_MAKE_CHAR,
  ACCESS_READ_DIR,
  ACCESS_READ_FILE,
  ACCESS_TRUNCATE,
  ACCESS_WRITE_FILE,
  fileRights,
  PORT_BIND,
  PORT_CONNECT,
  portRights,
  scopes,
} from '../../kernel/landlock.ts'
import type { Op } from '../../kernel/plan.ts'

/** What may be done below a path. `device`: read, write and ioctl, for a node. */
export type Grant = 'read' | 'write' | 'device'

export interface FileRule {
  /** Absolute and without a symbolic link in it, or init refuses it. */
  readonly path: string
  readonly grant: Grant
  /** Otherwise a path that is gone by then is passed over: what is not allowed is closed. */
  readonly required: boolean
  readonly origin: string
}

export interface PortRule {
  readonly port: number
  readonly use: 'connect' | 'bind'
  readonly origin: string
}

export interface Ruleset {
  readonly abi: number
  /** Everything else is closed. Undefined: files are not handled. */
  readonly files: readonly FileRule[] | undefined
  /** The TCP ports that are open. Undefined: TCP is not handled. */
  readonly ports: readonly PortRule[] | undefined
  /** Shuts out the abstract sockets and the signals of everybody outside. */
  readonly scoped: boolean
  readonly origin: string
}

/** Names of what a version cannot hold, each with the Linux that can. */
export const sinceLinux = { files: '5.13', truncate: '6.2', ports: '6.7', devices: '6.10', scopes: '6.12' } as const
export type LandlockPart = keyof typeof sinceLinux

const sinceAbi: Readonly<Record<LandlockPart, number>> = { files: 1, truncate: 3, ports: 4, devices: 5, scopes: 6 }

export const handles = (abi: number, part: LandlockPart): boolean => abi >= sinceAbi[part]

const read = ACCESS_EXECUTE | ACCESS_READ_FILE | ACCESS_READ_DIR
const nodes = ACCESS_MAKE_CHAR | ACCESS_MAKE_BLOCK | ACCESS_IOCTL_DEV

const grants: Readonly<Record<Grant, (abi: number) => number>> = {
  read: () => read,
  // Device nodes are neither made nor driven by ioctl(2) in a directory of files.
  write: (abi) => fileRights(abi) & ~nodes,
  device: (abi) => fileRights(abi) & (ACCESS_READ_FILE | ACCESS_WRITE_FILE | ACCESS_TRUNCATE | ACCESS_IOCTL_DEV),
}

const portUses = { connect: PORT_CONNECT, bind: PORT_BIND } as const

/** Needs no_new_privs before it, and comes when everything is opened that init itself still needs. */
export function planRuleset({ abi, files, ports, scoped, origin }: Ruleset): Op[] {
  return [
    {
      op: 'ruleset',
      files: files === undefined ? 0 : fileRights(abi),
      ports: ports === undefined ? 0 : portRights(abi),
      scopes: scoped ? scopes(abi) : 0,
      origin,
    },
    ...(files ?? []).map(
      ({ path, grant, required, origin: from }): Op => ({
        op: 'allowPath',
        path,
        access: grants[grant](abi),
        required: required ? 1 : 0,
        origin: from,
      }),
    ),
    ...(ports ?? []).map(
      ({ port, use, origin: from }): Op => ({ op: 'allowPort', port, access: portUses[use], origin: from }),
    ),
    { op: 'restrict', origin },
  ]
}
