/** What is said between us and `criu swrk`: Protocol Buffers, one message a packet. Numbers are those of criu's rpc.proto. */
import { PbfReader, PbfWriter } from 'pbf'

export const requestTypes = { dump: 1, restore: 2, preDump: 4, notify: 6, featureCheck: 9, version: 10 } as const

export type RequestType = keyof typeof requestTypes

export const cgroupModes = { ignore: 0, soft: 3, full: 4, strict: 5, default: 6 } as const

export const networkLocks = { iptables: 1, nftables: 2, skip: 3 } as const

/** A name that the image holds, and what it stands for here. */
export interface Named {
  readonly key: string
  readonly value: string
}

/** criu_opts, as far as we set them. Descriptors are ours, except `inherited`: those are criu's own. */
export interface CriuOptions {
  readonly imagesFd: number
  readonly workFd?: number
  readonly pid?: number
  readonly root?: string
  readonly parentImage?: string
  readonly logFile: string
  readonly logLevel: number
  readonly leaveRunning?: boolean
  readonly extUnixSockets?: boolean
  readonly tcpEstablished?: boolean
  readonly tcpSkipInFlight?: boolean
  readonly tcpClose?: boolean
  readonly evasiveDevices?: boolean
  readonly shellJob?: boolean
  readonly fileLocks?: boolean
  readonly notifies?: boolean
  readonly trackMemory?: boolean
  readonly autoDedup?: boolean
  readonly linkRemap?: boolean
  readonly managesCgroups?: boolean
  readonly cgroupMode?: number
  readonly cgroupRoots?: readonly { readonly controller: string; readonly path: string }[]
  readonly restoresSibling?: boolean
  readonly inherited?: readonly { readonly key: string; readonly fd: number }[]
  readonly externalMounts?: readonly Named[]
  readonly external?: readonly string[]
  readonly emptyNamespaces?: number
  readonly joined?: readonly { readonly type: string; readonly path: string }[]
  readonly freezeCgroup?: string
  readonly lazyPages?: boolean
  readonly pageServer?: { readonly address: string; readonly port: number }
  readonly orphanTerminals?: boolean
  readonly configFile?: string
  readonly lsmProfile?: string
  readonly lsmMountContext?: string
  readonly networkLock?: number
}

export interface Features {
  /** Dirty pages can be told from clean ones: pre-dumps and parents. */
  readonly memoryTracking?: boolean
  readonly lazyPages?: boolean
}

export interface Request {
  readonly type: RequestType
  readonly options?: CriuOptions
  /** The answer to a notification. */
  readonly notifySuccess?: boolean
  /** More requests follow. */
  readonly keepOpen?: boolean
  readonly features?: Features
}

export interface Response {
  readonly type: number
  readonly success: boolean
  /** Of a restore: the container's first process. */
  readonly pid?: number
  readonly notify?: { readonly script: string; readonly pid: number }
  readonly errno?: number
  readonly message?: string
  readonly features?: Features
  /** Major times 10000, minor times 100, and the third number. */
  readonly version?: number
}

type Kind = 'flag' | 'number' | 'text'

const optionFields = {
  pid: [2, 'number'],
  leaveRunning: [3, 'flag'],
  extUnixSockets: [4, 'flag'],
  tcpEstablished: [5, 'flag'],
  evasiveDevices: [6, 'flag'],
  shellJob: [7, 'flag'],
  fileLocks: [8, 'flag'],
  logLevel: [9, 'number'],
  logFile: [10, 'text'],
  notifies: [12, 'flag'],
  root: [13, 'text'],
  parentImage: [14, 'text'],
  trackMemory: [15, 'flag'],
  autoDedup: [16, 'flag'],
  workFd: [17, 'number'],
  linkRemap: [18, 'flag'],
  managesCgroups: [24, 'flag'],
  restoresSibling: [26, 'flag'],
  cgroupMode: [34, 'number'],
  emptyNamespaces: [38, 'number'],
  freezeCgroup: [44, 'text'],
  tcpSkipInFlight: [46, 'flag'],
  lazyPages: [48, 'flag'],
  orphanTerminals: [50, 'flag'],
  configFile: [51, 'text'],
  tcpClose: [52, 'flag'],
  lsmProfile: [53, 'text'],
  lsmMountContext: [63, 'text'],
  networkLock: [64, 'number'],
} as const satisfies Partial<Record<keyof CriuOptions, readonly [number, Kind]>>

function writeField(pbf: PbfWriter, [tag, kind]: readonly [number, Kind], value: unknown): void {
  if (kind === 'flag') pbf.writeBooleanField(tag, Boolean(value))
  else if (kind === 'number') pbf.writeVarintField(tag, Number(value))
  else pbf.writeStringField(tag, String(value))
}

function writeOptions(options: CriuOptions, pbf: PbfWriter): void {
  pbf.writeVarintField(1, options.imagesFd)
  for (const [name, field] of Object.entries(optionFields)) {
    const value = options[name as keyof typeof optionFields]
    if (value !== undefined) writeField(pbf, field, value)
  }
  const { pageServer, externalMounts = [], cgroupRoots = [], inherited = [], external = [], joined = [] } = options
  if (pageServer) writePair(pbf, 11, pageServer.address, pageServer.port)
  for (const { key, value } of externalMounts) writePair(pbf, 23, key, value)
  for (const { controller, path } of cgroupRoots) writePair(pbf, 25, controller, path)
  for (const { key, fd } of inherited) writePair(pbf, 27, key, fd)
  for (const text of external) pbf.writeStringField(37, text)
  for (const { type, path } of joined) writePair(pbf, 39, type, path)
}

/** A message of two fields, numbered 1 and 2. */
function writePair(pbf: PbfWriter, tag: number, first: string, second: string | number): void {
  pbf.writeMessage(
    tag,
    (_pair, inner) => {
      inner.writeStringField(1, first)
      if (typeof second === 'number') inner.writeVarintField(2, second)
      else inner.writeStringField(2, second)
    },
    undefined,
  )
}

function writeFeatures({ memoryTracking, lazyPages }: Features, pbf: PbfWriter): void {
  if (memoryTracking !== undefined) pbf.writeBooleanField(1, memoryTracking)
  if (lazyPages !== undefined) pbf.writeBooleanField(2, lazyPages)
}

export function encodeRequest({ type, options, notifySuccess, keepOpen, features }: Request): Uint8Array {
  const pbf = new PbfWriter()
  pbf.writeVarintField(1, requestTypes[type])
  if (options) pbf.writeMessage(2, writeOptions, options)
  if (notifySuccess !== undefined) pbf.writeBooleanField(3, notifySuccess)
  if (keepOpen !== undefined) pbf.writeBooleanField(4, keepOpen)
  if (features) pbf.writeMessage(5, writeFeatures, features)
  return pbf.finish()
}

/** The fields of one message by their numbers; what is a message itself stays bytes. The last of several counts. */
function readFields(bytes: Uint8Array): Map<number, number | Uint8Array> {
  const found = new Map<number, number | Uint8Array>()
  const pbf = new PbfReader(bytes)
  for (let tag = pbf.nextField(); tag !== 0; tag = pbf.nextField()) {
    // Wire types of Protocol Buffers: 0 is a number, 2 has a length. criu sends no others; they are passed over.
    if (pbf.type === 0) found.set(tag, pbf.readVarint(true))
    else if (pbf.type === 2) found.set(tag, pbf.readBytes())
    else pbf.skip(pbf.type)
  }
  return found
}

/** The bytes are no message. */
export class NoMessage extends Error {}

/** @throws NoMessage */
export function decodeResponse(bytes: Uint8Array): Response {
  try {
    return responseOf(readFields(bytes))
  } catch (cause) {
    throw new NoMessage('criu says what is no message', { cause })
  }
}

function responseOf(fields: Map<number, number | Uint8Array>): Response {
  const number = (tag: number, from = fields) => {
    const value = from.get(tag)
    return typeof value === 'number' ? value : undefined
  }
  const inner = (tag: number) => {
    const value = fields.get(tag)
    return value instanceof Uint8Array ? readFields(value) : undefined
  }
  const text = (tag: number, from = fields) => {
    const value = from.get(tag)
    return value instanceof Uint8Array ? new TextDecoder().decode(value) : ''
  }
  const [restore, notify, features, version] = [inner(4), inner(5), inner(8), inner(10)]
  return {
    type: number(1) ?? -1,
    success: number(2) === 1,
    ...optional('pid', restore && number(1, restore)),
    ...optional('notify', notify && { script: text(1, notify), pid: number(2, notify) ?? 0 }),
    ...optional('errno', number(7)),
    ...optional('message', fields.has(9) ? text(9) : undefined),
    ...optional(
      'features',
      features && { memoryTracking: number(1, features) === 1, lazyPages: number(2, features) === 1 },
    ),
    ...optional('version', version && versionOf((tag) => number(tag, version) ?? 0)),
  }
}

/** As criu itself counts: 31702 is 3.17.2. */
const versionOf = (part: (tag: number) => number): number => part(1) * 10_000 + part(2) * 100 + part(4)

function optional<Name extends string, Value>(name: Name, value: Value | undefined): { [N in Name]?: Value } {
  return (value === undefined ? {} : { [name]: value }) as { [N in Name]?: Value }
}
