/** What is around us, as far as it can be seen: that is where most fixes have to be made. */
import { existsSync } from 'node:fs'
import type { Host } from '../host/facts.ts'
import { mayAdminister } from '../host/level.ts'

const FILTER = 2

/** Sentences without a full stop, for people. */
export function surroundings(host: Host): string[] {
  const engine = engineOf(host)
  const { lsm } = host
  return [
    engine && `what looks like a container of ${engine}`,
    host.inUserNamespace && 'a user namespace',
    host.chrooted && 'a chroot',
    host.seccomp === FILTER && 'a seccomp filter',
    host.noNewPrivs && 'no_new_privs: setuid programs such as newuidmap gain nothing',
    lsm.label !== undefined &&
      lsm.label !== 'unconfined' &&
      lsm.label !== 'kernel' &&
      `the security label ${lsm.label}`,
    !host.rootlessEuid &&
      !mayAdminister(host) &&
      'user 0 without CAP_SYS_ADMIN and CAP_NET_ADMIN, which makes namespaces as anybody else',
  ].filter((text) => typeof text === 'string' && text !== '') as string[]
}

/** Each leaves a mark; a program may remove it, so that its absence says nothing. */
function engineOf({ env }: Host): string | undefined {
  if ((env.KUBERNETES_SERVICE_HOST ?? '') !== '') return 'Kubernetes'
  if (existsSync('/run/.containerenv')) return 'podman'
  if (existsSync('/.dockerenv')) return 'Docker'
  return (env.container ?? '') === '' ? undefined : env.container
}
