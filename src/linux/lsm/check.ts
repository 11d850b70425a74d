/** Labels of security modules that this machine does not have. */
import { type Degradation, error, type Issue } from '../../base/issue.ts'
import type { Host } from '../../host/facts.ts'
import type { MayMiss } from '../../spec/names.ts'
import type { Linux, Process } from '../../spec/types.ts'

interface Missing {
  readonly module: 'apparmor' | 'selinux'
  readonly key: 'apparmorProfile' | 'selinuxLabel'
  readonly message: string
}

/** Without AppArmor everything is unconfined: only that one profile is fulfilled then. */
function missingFor({ apparmorProfile = '', selinuxLabel = '' }: Process, { lsm }: Host): Missing[] {
  const missing: Missing[] = []
  if (apparmorProfile !== '' && apparmorProfile !== 'unconfined' && !lsm.apparmor)
    missing.push({ module: 'apparmor', key: 'apparmorProfile', message: APPARMOR_OFF })
  if (selinuxLabel !== '' && !lsm.selinux)
    missing.push({ module: 'selinux', key: 'selinuxLabel', message: SELINUX_OFF })
  return missing
}

interface Asked {
  readonly origin: string
  readonly mayMiss: MayMiss
}

export function checkProcessLabels(process: Process, host: Host, { origin, mayMiss }: Asked): Issue[] {
  return missingFor(process, host)
    .filter(({ module }) => !mayMiss.has(module))
    .map(({ key, message, module }) =>
      error(`${origin}/${key}`, `${message}; to go on without: --allow-missing ${module}`),
    )
}

/** What the caller lets be missing is said all the same: it runs with less confinement. */
export function processLabelNotes(process: Process, host: Host, { origin, mayMiss }: Asked): Degradation[] {
  return missingFor(process, host)
    .filter(({ module }) => mayMiss.has(module))
    .map(({ key, module }) => ({
      pointer: `${origin}/${key}`,
      message: `not confined by ${module}: it is disabled or not supported, and --allow-missing says so`,
      loud: true,
    }))
}

/**
 * A label of files separates nothing where nobody looks at it, and without SELinux there is no process with one either:
 * that would have been refused. So it is left out, as under crun.
 */
export function mountLabelNotes({ mountLabel = '' }: Linux, host: Host): Degradation[] {
  if (mountLabel === '' || host.lsm.selinux) return []
  return [{ pointer: '/linux/mountLabel', message: 'new mounts get no label: SELinux is disabled or not supported' }]
}

const APPARMOR_OFF = 'apparmor: config provided but apparmor not supported or disabled here'
const SELINUX_OFF = 'selinux label is specified in config, but selinux is disabled or not supported'
