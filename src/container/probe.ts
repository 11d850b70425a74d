/** What this machine gives to a sandbox, where no file tells: really tried, in a throw-away child, once a process. */
import type { RuntimeError } from '../base/errors.ts'
import type { Host } from '../host/facts.ts'
import { killChild, waitNow } from '../kernel/children.ts'
import {
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWUTS,
  MS_NODEV,
  MS_NOSUID,
  MS_PRIVATE,
  MS_REC,
} from '../kernel/constants.ts'
import { FD_NULL } from '../kernel/functions.ts'
import { native } from '../kernel/native.ts'
import type { Op } from '../kernel/plan.ts'
import { BlockingConversation } from '../launch/blocking.ts'
import { failureOf } from '../launch/frames.ts'
import { explainFailure, spawnInit } from '../launch/init.ts'

/** Milliseconds; a trial takes two. */
const PATIENCE = 20_000

/** A user namespace, all others in it, and a mount: an outer security module may refuse only the last. */
function trial({ uid, gid, hasCgroupNamespaces }: Host): Op[] {
  const origin = 'sandbox'
  const flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET
  const tmpfs = { op: 'mount', fstype: 'tmpfs', source: 'usnea', target: '/proc', data: '', nofollow: 1 } as const
  return [
    { op: 'unshareUser', origin },
    { op: 'mapSelf', innerUid: uid, outerUid: uid, innerGid: gid, outerGid: gid, origin },
    { op: 'born', flags: (flags | (hasCgroupNamespaces ? CLONE_NEWCGROUP : 0)) >>> 0, origin },
    { op: 'propagate', flags: MS_PRIVATE | MS_REC, origin },
    { op: 'rootHere', origin },
    { ...tmpfs, flags: MS_NOSUID | MS_NODEV, origin },
    { op: 'finish', status: 0, origin },
  ]
}

const answers = new Map<string, RuntimeError | undefined>()

/**
 * Why a sandbox cannot have namespaces, or undefined. Blocks for some 2 ms the first time.
 * @throws RuntimeError `spawn-failed`, `memfd-refused`, `native-missing`
 */
export function whyNoNamespaces(host: Host): RuntimeError | undefined {
  const key = `${host.uid}:${host.gid}`
  if (!answers.has(key)) answers.set(key, attempt(trial(host), host))
  return answers.get(key)
}

/** Runs ops that end by themselves (`finish`): the reason why they cannot be done, or undefined. `behind`: descriptors from 3 on. */
export function attempt(ops: readonly Op[], host: Host, behind: readonly number[] = []): RuntimeError | undefined {
  const { outer, control } = spawnInit({ ops, degradations: [] }, [FD_NULL, FD_NULL, FD_NULL, ...behind])
  const conversation = new BlockingConversation(control)
  let first = 0
  try {
    for (;;) {
      const frame = conversation.nextWithin(PATIENCE)
      if (frame === 'timeout' || frame === undefined) return undefined
      if (frame.message === 'pidBorn') first = frame.a
      if (frame.message !== 'failed') continue
      const failure = failureOf(frame)
      return explainFailure(failure, ops[failure.index], host)
    }
  } finally {
    conversation.close()
    for (const pid of [first, outer]) {
      if (pid === 0) continue
      killChild(pid)
      waitNow(pid)
    }
  }
}

/** The version of Landlock, or 0 where there is none. */
export const landlockVersion = (): number => Math.max(0, native().landlockAbi())
