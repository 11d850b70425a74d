/** What criu wrote into its log, for an error message. */
import { readFileSync } from 'node:fs'

/** criu tries these at every start, and goes on without. */
const probes = /tun: Unable to create tun|rlimit: Can't setup RLIMIT_NOFILE/

/** The last lines that say what went wrong, without their time and process. Empty when there is no log. */
export function lastErrors(file: string, count = 4): string[] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    return []
  }
  const errors = text.split('\n').filter((line) => /\bError\b/.test(line) && !probes.test(line))
  return errors.slice(-count).map((line) => line.replace(/^\(\d+\.\d+\)\s*/, '').trim())
}
