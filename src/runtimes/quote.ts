/** Words for /bin/sh, each taken as it is. */

/** Between single quotes the shell reads nothing; one in the text ends them, stands alone, and begins them anew. */
export const shellWord = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`

/** Runs a program with arguments of its own before those of the caller. The shell is gone when it runs. */
export function wrapperText(path: string, args: readonly string[]): string {
  return `#!/bin/sh\nexec ${[path, ...args].map(shellWord).join(' ')} "$@"\n`
}
