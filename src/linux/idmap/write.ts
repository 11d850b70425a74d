/** Writing the id maps of a new user namespace: the one thing of this room that acts. */
import { closeSync, openSync, realpathSync, statSync, writeSync } from 'node:fs'
import { errnoOf } from '../../base/errors.ts'
import { runShort } from '../../base/run.ts'
import type { Host, IdRange } from '../../host/facts.ts'
import { mountOf } from '../../host/mountinfo.ts'
import { findProgram } from '../../host/program.ts'
import type { IdMaps } from '../../kernel/plan.ts'
import type { ChosenMaps } from './choose.ts'
import { diagnoseHelper, type HelperFile } from './diagnose-helper.ts'
import { diagnoseWrite } from './diagnose-write.ts'
import type { Kind } from './grant.ts'
import { helperArguments, mapText } from './render.ts'

/** Longest wait for newuidmap: it may ask a name service. */
const TIMEOUT_MS = 10_000

/**
 * Maps the user namespace of `pid`. Throws a RuntimeError (map-*, userns-apparmor, init-died) that names the confirmed
 * cause. Each map can be written once, so a failure is final for this namespace.
 */
export async function writeMaps(pid: number, maps: Omit<ChosenMaps, 'notes'>, host: Host): Promise<void> {
  if (maps.method === 'helper') {
    const results = await Promise.allSettled([runHelper(pid, 'uid', maps, host), runHelper(pid, 'gid', maps, host)])
    const failed = results.find((result) => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
    return
  }
  // setgroups first: without CAP_SETGID the kernel takes gid_map only after the denial.
  if (maps.denySetgroups) writeOnce({ pid, host, file: 'setgroups', ranges: [] })
  writeOnce({ pid, host, file: 'uid_map', ranges: maps.uid })
  writeOnce({ pid, host, file: 'gid_map', ranges: maps.gid })
}

/**
 * For a process of ours that maps one user and several groups: the user is its own, which everybody may map, so only
 * newgidmap is started. Throws as `writeMaps`.
 */
export async function writeGroupMaps(pid: number, maps: IdMaps, host: Host): Promise<void> {
  writeOnce({ pid, host, file: 'uid_map', ranges: maps.uid })
  await runHelper(pid, 'gid', maps, host)
}

interface Writing {
  readonly pid: number
  readonly host: Host
  readonly file: 'uid_map' | 'gid_map' | 'setgroups'
  readonly ranges: readonly IdRange[]
}

/** One write(2) a map: the kernel reads no more than that. */
function writeOnce(writing: Writing): void {
  const { pid, file, ranges } = writing
  try {
    const fd = openSync(`/proc/${pid}/${file}`, 'w')
    try {
      writeSync(fd, file === 'setgroups' ? 'deny' : mapText(ranges))
    } finally {
      closeSync(fd)
    }
  } catch (failure) {
    const errno = errnoOf(failure) ?? 'EIO'
    // Before 3.19 there is no setgroups file, and nothing to deny.
    if (file === 'setgroups' && errno === 'ENOENT') return
    throw diagnoseWrite({ ...writing, errno })
  }
}

async function runHelper(pid: number, kind: Kind, maps: IdMaps, host: Host): Promise<void> {
  const path = (kind === 'uid' ? host.newuidmap : host.newgidmap) ?? `new${kind}map`
  const args = helperArguments(pid, kind === 'uid' ? maps.uid : maps.gid)
  const { status, stderr, errno, timedOut } = await runShort(path, args, { env: {}, timeout: TIMEOUT_MS })
  if (status === 0) return
  const helper = await inspectHelper(path, host)
  throw diagnoseHelper({ host, kind, args, stderr, exitCode: status, errno: timedOut ? 'ETIMEDOUT' : errno, helper })
}

/** What decides whether a helper can act: seen only after it failed. */
async function inspectHelper(path: string, host: Host): Promise<HelperFile> {
  try {
    const real = realpathSync(path)
    const { mode, uid } = statSync(real)
    const nosuid = mountOf(host.mounts, real)?.options.includes('nosuid') ?? false
    return { path, mode: mode & 0o7777, owner: uid, nosuid, hasCapability: await hasFileCapability(real, host) }
  } catch {
    return { path, mode: undefined, owner: undefined, nosuid: false, hasCapability: undefined }
  }
}

/** Node cannot read extended attributes; getcap(8) can, where it is installed. */
async function hasFileCapability(path: string, host: Host): Promise<boolean | undefined> {
  const getcap = findProgram('getcap', host.env) ?? findProgram('getcap', {})
  if (getcap === undefined) return undefined
  const { status, stdout } = await runShort(getcap, [path], { env: {}, timeout: TIMEOUT_MS })
  return status === 0 ? /cap_set[ug]id/.test(stdout) : undefined
}
