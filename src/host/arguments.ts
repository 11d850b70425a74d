/** Our own arguments as they were given: Node turns bytes that are not UTF-8 into U+FFFD, and they are lost. */
import { readFileSync } from 'node:fs'
import { textOfBytes } from '../base/bytes.ts'

/** `decoded` is what Node made of them. Such bytes stand in the result as `base/bytes` writes them; undefined: they are lost. */
export function readArguments(
  decoded: readonly string[],
  commandLine = '/proc/self/cmdline',
): readonly string[] | undefined {
  if (!decoded.some((word) => word.includes('\uFFFD'))) return decoded
  const words = splitWords(commandLine)
  // Before ours come those of Node itself.
  return words.length < decoded.length ? undefined : words.slice(words.length - decoded.length).map(textOfBytes)
}

/** Each word ends with a NUL: proc_pid_cmdline(5). */
function splitWords(commandLine: string): Buffer[] {
  try {
    const bytes = readFileSync(commandLine)
    const words: Buffer[] = []
    for (let at = 0; at < bytes.length; ) {
      const end = bytes.indexOf(0, at)
      words.push(bytes.subarray(at, end < 0 ? bytes.length : end))
      at = end < 0 ? bytes.length : end + 1
    }
    return words
  } catch {
    return []
  }
}
