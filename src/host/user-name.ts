/** The name of another user: Node only knows our own, so the local user database is read. passwd(5) */
import { readFileSync } from 'node:fs'

export function userNameOf(uid: number, file = '/etc/passwd'): string | undefined {
  try {
    const lines = readFileSync(file, 'utf8').split('\n')
    return lines.find((line) => line.split(':')[2] === String(uid))?.split(':')[0]
  } catch {
    return undefined
  }
}
