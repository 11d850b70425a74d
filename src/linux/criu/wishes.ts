/** The options of checkpoint and restore as the caller writes them, read and held against each other. Pure. */
import { isAbsolute } from 'node:path'
import { RuntimeError } from '../../base/errors.ts'
import type { Host } from '../../host/facts.ts'
import { cgroupModes, networkLocks } from './messages.ts'

/** Of both verbs. */
export interface RawWishes {
  readonly tcpEstablished?: boolean
  readonly extUnixSockets?: boolean
  readonly shellJob?: boolean
  readonly fileLocks?: boolean
  readonly autoDedup?: boolean
  readonly lazyPages?: boolean
  readonly manageCgroupsMode?: string
  readonly networkLock?: string
  readonly emptyNamespaces?: readonly string[]
}

export interface Wishes {
  readonly tcpEstablished: boolean
  readonly extUnixSockets: boolean
  readonly shellJob: boolean
  readonly fileLocks: boolean
  readonly autoDedup: boolean
  readonly lazyPages: boolean
  readonly cgroupMode: number
  readonly networkLock?: number
}

/** @throws RuntimeError `usage` */
export function readWishes(raw: RawWishes): Wishes {
  for (const name of raw.emptyNamespaces ?? [])
    if (name !== 'network')
      throw new RuntimeError('usage', {
        what: `namespace ${name} is not supported by --empty-ns`,
        fix: 'only network can be left empty',
      })
  return {
    tcpEstablished: raw.tcpEstablished ?? false,
    extUnixSockets: raw.extUnixSockets ?? false,
    shellJob: raw.shellJob ?? false,
    fileLocks: raw.fileLocks ?? false,
    autoDedup: raw.autoDedup ?? false,
    lazyPages: raw.lazyPages ?? false,
    cgroupMode: chosen(cgroupModes, raw.manageCgroupsMode ?? 'default', '--manage-cgroups-mode'),
    ...(raw.networkLock === undefined ? {} : { networkLock: chosen(networkLocks, raw.networkLock, '--network-lock') }),
  }
}

function chosen(numbers: Readonly<Record<string, number>>, word: string, option: string): number {
  const number = Object.hasOwn(numbers, word) ? numbers[word] : undefined
  if (number !== undefined) return number
  const names = Object.keys(numbers).filter((name) => name !== 'default')
  throw new RuntimeError('usage', { what: `invalid ${option}: ${word}`, fix: `use one of ${names.join(', ')}` })
}

const modules = { apparmor: 'AppArmor', selinux: 'SELinux' } as const

/**
 * criu takes a label of a module that is off for a failure of its own, or for no wish at all.
 * @throws RuntimeError `usage`, `criu-feature`
 */
export function checkLabels(
  { lsmProfile, lsmMountContext }: { readonly lsmProfile?: string; readonly lsmMountContext?: string },
  lsm: Pick<Host['lsm'], 'apparmor' | 'selinux'>,
): void {
  if (lsmProfile !== undefined) {
    const [, type = '', name = ''] = /^([^:]*):(.+)$/.exec(lsmProfile) ?? []
    if (name === '') throw new RuntimeError('usage', { what: `--lsm-profile ${lsmProfile} is no TYPE:NAME` })
    if (type !== 'apparmor' && type !== 'selinux')
      throw new RuntimeError('usage', {
        what: `--lsm-profile ${lsmProfile}: there is no security module ${type}`,
        fix: 'the type is apparmor or selinux',
      })
    if (!lsm[type]) throw labelless(`--lsm-profile ${lsmProfile}`, type)
  }
  if (lsmMountContext !== undefined && !lsm.selinux)
    throw labelless(`--lsm-mount-context ${lsmMountContext}`, 'selinux')
}

const labelless = (option: string, type: keyof typeof modules): RuntimeError =>
  new RuntimeError('criu-feature', {
    what: `${option} cannot be had`,
    why: `${modules[type]} is not supported or disabled here`,
    fix: `switch ${modules[type]} on (kernel parameter lsm=), or leave the option out`,
  })

/** `ADDRESS:PORT`; an IPv6 address stands in brackets. @throws RuntimeError `usage` */
export function readPageServer(text: string): { address: string; port: number } {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? []
  const [address, port] = [bracketed ?? plain ?? '', Number(digits)]
  if (address === '' || !(port > 0 && port < 65_536))
    throw new RuntimeError('usage', { what: `--page-server ${text} is no ADDRESS:PORT` })
  return { address, port }
}

/** The parent stays findable when both images move together, so its path counts from the image. @throws RuntimeError `usage` */
export function checkParentPath(path: string): void {
  if (isAbsolute(path))
    throw new RuntimeError('usage', {
      what: `--parent-path must be relative: ${path}`,
      fix: 'give it from the image directory on, such as ../parent',
    })
}

/** 3.15 of 2020: the first that knows external pid namespaces, and tells when lazy pages are ready. */
const OLDEST = 31_500

/** @throws RuntimeError `criu-old` */
export function checkVersion(version: number): void {
  if (version >= OLDEST) return
  const words = `${Math.floor(version / 10_000)}.${Math.floor(version / 100) % 100}`
  throw new RuntimeError('criu-old', { what: `criu ${words} is too old: 3.15 or newer is needed` })
}
