/** The login session around us. */
import { statSync } from 'node:fs'
import { userInfo } from 'node:os'
import { isAbsolute, join } from 'node:path'

export interface Account {
  readonly name: string | undefined
  readonly home: string | undefined
}

/** Our entry in the user database, through NSS. An id without an entry (`docker run -u 1234`) is no error. */
export function readAccount(): Account {
  try {
    const { username, homedir } = userInfo()
    return { name: username, home: homedir }
  } catch {
    return { name: undefined, home: undefined }
  }
}

/** A system account, and an id without an entry, has a home by the variable alone. */
export function chooseHome(variable: string | undefined, account: string | undefined): string | undefined {
  if (variable === undefined || !isAbsolute(variable)) return account
  return statSync(variable, { throwIfNoEntry: false })?.isDirectory() === true ? variable : account
}

/** systemd's socket belongs to the root of its user namespace. Seen from another one that is nobody. */
export function ownsSystemManager(): boolean {
  try {
    return statSync('/run/systemd/private').uid === 0
  } catch {
    return false
  }
}

/**
 * Is there a systemd user manager that answers to us? Its socket lies in the runtime directory and belongs to our own
 * uid; inside a user namespace that is the unprivileged user whom our root is mapped to.
 */
export function hasUserManager(env: Readonly<Record<string, string | undefined>>, uid: number): boolean {
  const directory = env.XDG_RUNTIME_DIR ?? ''
  if (directory === '') return false
  return ['systemd/private', 'bus'].some((name) => {
    try {
      const found = statSync(join(directory, name))
      return found.isSocket() && found.uid === uid
    } catch {
      return false
    }
  })
}
