/** The validation programs of a built checkout of the OCI runtime-tools. */
import { cpSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Plan, Suite } from './suite.ts'
import { has } from './wanted.ts'

const isPart = (name: string) => name === 'runtimetest' || /^rootfs-.*\.tar\.gz$/.test(name)

export const runtimeTools: Suite = {
  missing: (checkout) => [
    ...(has(checkout, 'validation') ? [] : [`${checkout} is no checkout of runtime-tools: validation/ is missing`]),
    ...(has(checkout, 'runtimetest') && list(checkout).length > 0
      ? []
      : ['the programs of the suite: run `make runtimetest validation-executables` in the checkout (needs Go)']),
  ],
  list,
  plan: (name, { checkout, runtime, scratch, mode }): Plan => {
    // The programs copy ./runtimetest with its owner, so a user needs one of its own.
    if (mode !== 'root')
      for (const part of readdirSync(checkout).filter(isPart)) cpSync(join(checkout, part), join(scratch, part))
    return {
      argv: [join(checkout, 'validation', name, `${name}.t`)],
      cwd: mode === 'root' ? checkout : scratch,
      env: { RUNTIME: runtime, ...(mode === 'root' ? {} : { XDG_RUNTIME_DIR: scratch }) },
      needsTerminal: false,
      // One of them looks at what a shared mount of its root does.
      propagation: 'shared',
    }
  },
}

function list(checkout: string): string[] {
  if (!has(checkout, 'validation')) return []
  const folders = readdirSync(join(checkout, 'validation'), { withFileTypes: true })
  return folders
    .filter((entry) => entry.isDirectory() && has(checkout, 'validation', entry.name, `${entry.name}.t`))
    .map(({ name }) => name)
    .sort()
}
