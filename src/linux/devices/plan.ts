/** Device nodes: made where we may, bound from the host where the kernel refuses mknod(2). */
import { resolve } from 'node:path'
import type { Degradation } from '../../base/issue.ts'
import type { Op } from '../../kernel/plan.ts'
import type { Device, Spec } from '../../spec/types.ts'
import { insideUserNamespace, type Part, type Scene } from '../scene.ts'

/** Devices that every container has: runtime-spec, "Default Devices". */
const defaults: readonly Device[] = [
  { path: '/dev/null', type: 'c', major: 1, minor: 3 },
  { path: '/dev/zero', type: 'c', major: 1, minor: 5 },
  { path: '/dev/full', type: 'c', major: 1, minor: 7 },
  { path: '/dev/random', type: 'c', major: 1, minor: 8 },
  { path: '/dev/urandom', type: 'c', major: 1, minor: 9 },
  { path: '/dev/tty', type: 'c', major: 5, minor: 0 },
]

const links: readonly (readonly [text: string, path: string])[] = [
  ['/proc/self/fd', '/dev/fd'],
  ['/proc/self/fd/0', '/dev/stdin'],
  ['/proc/self/fd/1', '/dev/stdout'],
  ['/proc/self/fd/2', '/dev/stderr'],
  ['pts/ptmx', '/dev/ptmx'],
]

/** inode(7) */
const types = { c: 0o020000, u: 0o020000, b: 0o060000, p: 0o010000 } as const

const CAP_MKNOD = 27n

export function planDevices(spec: Spec, scene: Scene): Part {
  if (bindsDev(spec)) return { ops: [] }
  const nodes = [
    ...defaults.map((device) => ({ device, origin: '/linux/devices' })),
    ...(spec.linux?.devices ?? []).map((device, i) => ({ device, origin: `/linux/devices/${i}` })),
  ]
  // The link to the container's own devpts stands for it.
  const isPtmx = ({ path, type, major, minor }: Device) =>
    resolve('/', path) === '/dev/ptmx' && type === 'c' && major === 5 && minor === 2
  const later = new Set(nodes.slice(defaults.length).map(({ device }) => resolve('/', device.path)))
  const kept = nodes.filter(({ device }, i) => (i >= defaults.length ? !isPtmx(device) : !later.has(device.path)))
  const degradations: Degradation[] = []
  const mayMake =
    !insideUserNamespace(spec, scene.host) && mountsOwnDev(spec) && ((scene.host.capEffective >> CAP_MKNOD) & 1n) === 1n
  const ops = kept.map(({ device, origin }) => {
    if (mayMake || device.type === 'p') return make(device, origin)
    if (device.fileMode !== undefined || device.uid || device.gid)
      degradations.push({ pointer: origin, message: `${device.path} keeps the mode and owner it has on the host` })
    return bind(device, scene.deviceNodes.get(device.path) ?? device.path, origin)
  })
  return {
    ops: [...ops, ...links.map(([text, path]): Op => ({ op: 'symlink', text, path, origin: '/linux' }))],
    degradations,
  }
}

/** Nodes are made only on a /dev that is a mount of its own: in the image they would stay, and without a guard it is nodev. */
function mountsOwnDev(spec: Spec): boolean {
  return (spec.mounts ?? []).some(({ destination }) => resolve('/', destination) === '/dev')
}

/** A /dev of the caller's own is left as it is. */
function bindsDev(spec: Spec): boolean {
  return (spec.mounts ?? []).some(
    ({ destination, type, options = [] }) =>
      resolve('/', destination) === '/dev' &&
      (type === 'bind' || options.includes('bind') || options.includes('rbind')),
  )
}

function make({ path, type, major = 0, minor = 0, fileMode = 0o666, uid = 0, gid = 0 }: Device, origin: string): Op {
  return { op: 'device', path, type: types[type], major, minor, mode: fileMode & 0o7777, uid, gid, origin }
}

function bind({ path, type, major = 0, minor = 0 }: Device, source: string, origin: string): Op {
  return { op: 'deviceBind', source, path, type: types[type], major, minor, origin }
}
