/** The last diagnosis of this boot. Another boot, build, label, filter or user may do other things, so it is theirs no more. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeDirectories, replaceFile } from '../base/files.ts'
import type { Host } from '../host/facts.ts'
import { planSum } from '../kernel/plan-def.ts'
import { cachePath } from '../state/paths.ts'
import type { Diagnosis } from './doctor.ts'

const keyOf = ({ bootId, uid, seccomp, noNewPrivs, lsm }: Host): string =>
  JSON.stringify([1, bootId, uid, seccomp, noNewPrivs, lsm.label ?? '', planSum])

/** A cache that cannot be read is none. */
export async function recall(host: Host): Promise<Diagnosis | undefined> {
  const directory = await cachePath()
  if (directory === undefined) return undefined
  try {
    const { key, diagnosis } = JSON.parse(readFileSync(join(directory, 'doctor.json'), 'utf8'))
    return key === keyOf(host) ? (diagnosis as Diagnosis) : undefined
  } catch {
    return undefined
  }
}

/** Only a convenience for the next call: one that cannot be written costs nothing but time. */
export async function remember(host: Host, diagnosis: Diagnosis): Promise<void> {
  const directory = await cachePath()
  if (directory === undefined) return
  try {
    makeDirectories(directory, 0o700)
    replaceFile(join(directory, 'doctor.json'), JSON.stringify({ key: keyOf(host), diagnosis }), 0o600)
  } catch {
    // a read-only or missing home
  }
}
