/** What is found without, or beside, a trial of a container: directories, keys, networks, Landlock. */
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

export function landlockFinding(): Finding {
  const subject = { id: 'landlock', title: 'Landlock' }
  const version = landlockVersion()
  return version > 0 ? ok(subject.id, subject.title, `version ${version}`) : weak(subject, 'landlock-missing')
}
