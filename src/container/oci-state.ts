/** The OCI state of a container, from its record and from what /proc says about its process. */
import { join } from 'node:path'
import type { ContainerId } from '../base/ids.ts'
import type { Host } from '../host/facts.ts'
import { isGone, isStopped, readProcess } from '../host/process.ts'
import { userNameOf } from '../host/user-name.ts'
import { isFrozen } from '../linux/cgroups/freezer.ts'
import { isGateShut } from '../state/gate.ts'
import { ownerOf } from '../state/read-record.ts'
import type { ContainerRecord } from '../state/record.ts'

export type Status = 'creating' | 'created' | 'running' | 'paused' | 'stopped'

/** runtime-spec "State", and what runc adds to it. */
export interface ContainerState {
  readonly ociVersion: string
  readonly id: string
  /** 0 when stopped. */
  readonly pid: number
  readonly status: Status
  readonly bundle: string
  readonly rootfs: string
  readonly created: string
  readonly annotations?: Readonly<Record<string, string>>
  /** Name of the owner of the state directory, `#uid` when it has none. */
  readonly owner: string
}

/** A pid that was given to another process since, or before a reboot, is nobody of ours. */
export function isAlive(record: ContainerRecord, host: Host): boolean {
  if (record.pid === 0 || record.bootId !== host.bootId) return false
  const facts = readProcess(record.pid)
  return facts !== undefined && facts.startTime === record.startTime && !isGone(facts)
}

/** `root` is the state directory. */
export function statusOf(record: ContainerRecord, host: Host, root: string): Status {
  if (record.pid === 0) return record.bootId === host.bootId ? 'creating' : 'stopped'
  if (!isAlive(record, host)) return 'stopped'
  if (!record.ready) return 'creating'
  if (isFrozen(record.cgroup) || (record.stopped && isStopped(record.pid))) return 'paused'
  return isGateShut(join(root, record.id)) ? 'created' : 'running'
}

export function stateOf(record: ContainerRecord, host: Host, root: string): ContainerState {
  const status = statusOf(record, host, root)
  const owner = ownerOf(root, record.id as ContainerId)
  const { annotations } = record.spec
  return {
    ociVersion: record.spec.ociVersion,
    id: record.id,
    pid: status === 'stopped' || status === 'creating' ? 0 : record.pid,
    status,
    bundle: record.bundle,
    rootfs: record.rootfs,
    created: record.created,
    ...(annotations && Object.keys(annotations).length > 0 ? { annotations } : {}),
    owner: owner === undefined ? '' : (userNameOf(owner) ?? `#${owner}`),
  }
}

/** What hooks get on stdin: the plain OCI state with the status of their moment. */
export function hookState(record: ContainerRecord, status: Status): string {
  const { spec, id, bundle, pid } = record
  const { annotations } = spec
  const place = status === 'stopped' ? {} : { pid }
  return JSON.stringify({
    ociVersion: spec.ociVersion,
    id,
    status,
    ...place,
    bundle,
    ...(annotations ? { annotations } : {}),
  })
}
