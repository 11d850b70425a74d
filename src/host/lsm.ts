/** Security modules that may stand in our way. */
import type { Host } from './facts.ts'
import { readText } from './file.ts'

/** Modules that are not shown (securityfs is rarely mounted in containers) count as absent. */
export function readLsm(proc: string, sys: string): Host['lsm'] {
  const listed = (readText(`${sys}/kernel/security/lsm`) ?? '').trim().split(',')
  const apparmor = readText(`${sys}/module/apparmor/parameters/enabled`)?.trim() === 'Y'
  const enforce = readText(`${sys}/fs/selinux/enforce`)?.trim()
  const selinux = enforce !== undefined || listed.includes('selinux')
  return Object.freeze({
    apparmor,
    selinux,
    selinuxEnforcing: enforce === '1',
    landlock: listed.includes('landlock'),
    label: readLabel(proc, apparmor),
  })
}

/** The kernel ends an SELinux label with a NUL byte, and AppArmor's with a newline. EINVAL: no module has labels. */
function readLabel(proc: string, apparmor: boolean): string | undefined {
  // Since 5.8 AppArmor has a file of its own, right also where SELinux is the first module.
  const own = apparmor ? readText(`${proc}/self/attr/apparmor/current`) : undefined
  const text = (own ?? readText(`${proc}/self/attr/current`))?.replace(/[\0\n]+$/, '')
  return text === '' ? undefined : text
}
