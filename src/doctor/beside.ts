/** What is found without, or beside, a trial of a container: directories, keys, networks, Landlock. */
import { closeSync, existsSync, openSync } from 'node:fs'
import { errnoOf } from '../base/errors.ts'
import { landlockVersion } from '../container/probe.ts'
import type { Host } from '../host/facts.ts'
import { findProgram } from '../host/program.ts'
import { whyNoTun } from '../host/tun.ts'
import type { ChosenMaps } from '../linux/idmap/choose.ts'
import { chooseStateRoot } from '../state/paths.ts'
import { type Finding, fromError, ok, unknown, weak } from './finding.ts'
import { prove } from './proof.ts'

export function stateFinding(host: Host): Finding {
  const subject = { id: 'state', title: 'state directory' }
  try {
    const { path, warnings } = chooseStateRoot(host)
    if (warnings.length === 0) return ok(subject.id, subject.title, path)
    const what = `${path}; ${warnings.join('; ')}`
    if (warnings.some((text) => text.includes('belongs to'))) return weak(subject, 'xdg-owner', { what })
    return weak(subject, 'root-unusable', { what, fix: 'chmod 0700 "$XDG_RUNTIME_DIR", or unset XDG_RUNTIME_DIR' })
  } catch (error) {
    return fromError(subject.id, subject.title, error, 'fail')
  }
}

/** `maps`: undefined where no user namespace is needed, `none` where it cannot be had. */
export async function keyringFinding(host: Host, maps: ChosenMaps | 'none' | undefined): Promise<Finding> {
  const subject = { id: 'keyring', title: 'a session keyring' }
  if (maps === 'none') return unknown(subject.id, subject.title, 'it needs a user namespace')
  try {
    const lost = await prove({ maps, flags: 0, ops: [{ op: 'keyring', label: '', origin: 'doctor' }] }, host)
    return lost.length === 0 ? ok(subject.id, subject.title, 'tried, and it works') : weak(subject, 'keyring-refused')
  } catch (error) {
    return fromError(subject.id, subject.title, error, 'weak')
  }
}

/** What connects a network of its own with ours. --allow-host, --net none and --net host need neither. */
export function networkFinding({ env }: Host): Finding {
  const subject = { id: 'net', title: 'a connected network' }
  const found = ['pasta', 'slirp4netns'].filter((name) => findProgram(name, env) !== undefined)
  if (found.length === 0) return weak(subject, 'net-program')
  const noTun = whyNoTun()
  if (noTun !== undefined) return weak(subject, 'net-tun', noTun)
  return ok(subject.id, subject.title, found.join(' '))
}

const FUSE = '/dev/fuse'

/** What serves an overlay where the kernel refuses one: to containers, and to usnea try. `overlay`: does it? */
export function fuseFinding({ fuseOverlayfs }: Host, overlay: Finding['status'] | undefined): Finding {
  const subject = { id: 'fuse-overlayfs', title: 'overlays by fuse-overlayfs' }
  if (overlay === 'unknown') return unknown(subject.id, subject.title, 'it needs a user namespace')
  const missing = whyNoFuse(fuseOverlayfs)
  if (missing === undefined) return ok(subject.id, subject.title, `${fuseOverlayfs}, and ${FUSE} can be opened`)
  if (overlay === 'ok') return ok(subject.id, subject.title, `not needed, as the kernel has overlays: ${missing.what}`)
  return weak(subject, 'layer-backend', missing)
}

function whyNoFuse(program: string | undefined): { readonly what: string; readonly fix: string } | undefined {
  if (program === undefined)
    return { what: 'fuse-overlayfs is not installed', fix: 'install it (Debian, Fedora, Alpine: fuse-overlayfs)' }
  try {
    closeSync(openSync(FUSE, 'r+'))
    return undefined
  } catch (error) {
    const fix = existsSync(FUSE) ? `sudo chmod 0666 ${FUSE}` : 'sudo modprobe fuse'
    return { what: `${FUSE} cannot be opened: ${errnoOf(error)}`, fix: `${fix}; for a container: --device ${FUSE}` }
  }
}

export function landlockFinding(): Finding {
  const subject = { id: 'landlock', title: 'Landlock' }
  const version = landlockVersion()
  return version > 0 ? ok(subject.id, subject.title, `version ${version}`) : weak(subject, 'landlock-missing')
}
