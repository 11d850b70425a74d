/** The two facts of rootlessness, and the flag that may change one of them. */

/** `--rootless`: auto, or one of the boolean words that Go's flag package knows. Undefined when it is neither. */
export function parseRootless(text: string): 'auto' | boolean | undefined {
  if (text === '' || text.toLowerCase() === 'auto') return 'auto'
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text)) return false
  return undefined
}

export interface RootlessQuestion {
  readonly uid: number
  readonly inUserNamespace: boolean
  readonly flag: 'auto' | boolean
  readonly systemdCgroup: boolean
  /** Does an unprivileged user's systemd manager answer to us? Asked only when it decides. */
  readonly ownsUserManager: () => boolean
}

export interface RootlessAnswer {
  readonly realRoot: boolean
  readonly rootlessEuid: boolean
  readonly rootlessCgroups: boolean
}

/** The flag never changes `rootlessEuid`: that is a fact of the kernel's. */
export function decideRootless(question: RootlessQuestion): RootlessAnswer {
  const { uid, inUserNamespace, flag } = question
  const realRoot = uid === 0 && !inUserNamespace
  return { realRoot, rootlessEuid: uid !== 0, rootlessCgroups: flag === 'auto' ? guess(question, realRoot) : flag }
}

function guess({ uid, systemdCgroup, ownsUserManager }: RootlessQuestion, realRoot: boolean): boolean {
  if (realRoot) return false
  if (uid !== 0) return true
  // Root in a user namespace with a user manager of its own gets its cgroups from it: failures count then.
  return !(systemdCgroup && ownsUserManager())
}
