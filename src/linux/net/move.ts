/** Moves network devices of the host into the network namespace of the container, and back when its creation fails. */
import { closeSync, openSync } from 'node:fs'
import type { Dispose } from '../../base/dispose.ts'
import { errnoOf, RuntimeError } from '../../base/errors.ts'
import { errnoName } from '../../kernel/errno.ts'
import { native } from '../../kernel/native.ts'
import { child } from '../../spec/pointer.ts'
import type { NetDevice } from '../../spec/types.ts'

interface Move {
  readonly name: string
  readonly newName: string
  /** Descriptors of network namespaces. */
  readonly from: number
  readonly to: number
  readonly up: boolean
}

/** The steps of usnea_move_link, see native/lib/usnea.h. */
const steps: Readonly<Record<number, string>> = {
  1: 'find it',
  2: 'read its addresses',
  3: 'take it down',
  4: 'move it',
  5: 'find it in the network namespace of the container',
  6: 'give it its addresses again',
  7: 'bring it up',
}

function move({ name, newName, from, to, up }: Move): { errno: string | undefined; step: number; wasUp: boolean } {
  const report = new Int32Array(2)
  const result = native().moveLink(name, newName, from, to, up ? 1 : 0, report)
  return { errno: result < 0 ? errnoName(-result) : undefined, step: report[0] ?? 0, wasUp: report[1] === 1 }
}

/**
 * All of them, into the namespace of `pid`.
 * @throws RuntimeError `net-device`; those moved before it are on `undo`
 */
export function moveNetDevices(devices: Readonly<Record<string, NetDevice>>, pid: number, undo: Dispose): void {
  if (Object.keys(devices).length === 0) return
  const from = openNamespace('/proc/self/ns/net')
  undo.push(() => closeSync(from))
  const to = openNamespace(`/proc/${pid}/ns/net`)
  undo.push(() => closeSync(to))
  for (const [name, { name: newName = '' }] of Object.entries(devices)) {
    const there = newName === '' ? name : newName
    let was = { arrived: false, up: false }
    undo.push(() => {
      if (was.arrived) move({ name: there, newName: name, from: to, to: from, up: was.up })
    })
    const { errno, step, wasUp } = move({ name, newName: there, from, to, up: true })
    was = { arrived: errno === undefined || step > 4, up: wasUp }
    if (errno !== undefined) throw failure(name, { errno, step, there })
  }
}

function openNamespace(path: string): number {
  try {
    return openSync(path, 'r')
  } catch (cause) {
    const errno = errnoOf(cause)
    throw new RuntimeError('net-device', { what: `cannot open ${path}`, ...(errno ? { errno } : {}), cause })
  }
}

const reasons: Readonly<Record<string, readonly [why: string, fix: string]>> = {
  ENODEV: ['the host has no such network device', 'ip link shows those it has; correct the name, or remove it'],
  EEXIST: ['the container has a device of that name already', 'give it another name: {"name": "NAME"}'],
  EINVAL: ['this kind of device belongs to one network namespace and cannot be moved', 'remove it from netDevices'],
  EPERM: ['our process lacks CAP_NET_ADMIN in one of the two network namespaces', 'run as root, or remove it'],
}

function failure(name: string, { errno, step, there }: { errno: string; step: number; there: string }): RuntimeError {
  const [why, fix] = reasons[errno] ?? []
  const place = there === name ? '' : ` as ${there}`
  return new RuntimeError('net-device', {
    what: `cannot move the network device ${name} into the container${place}: cannot ${steps[step] ?? 'start'}`,
    errno,
    origin: child('/linux/netDevices', name),
    ...(why === undefined ? {} : { why }),
    ...(fix === undefined ? {} : { fix }),
  })
}
