/** Groups of the system by name and by number: group(5), getent(1). */
import { readText } from './file.ts'
import { findProgram } from './program.ts'

/** A name service that hangs must not hang us. */
const TIMEOUT_MS = 3000

/** The number of a group; undefined where there is none of that name. Asks name services for what the file does not have. */
export function groupIdOf(name: string, env: Readonly<Record<string, string | undefined>>): number | undefined {
  const line = linesOf(readText('/etc/group')).find(([found]) => found === name) ?? askGetent(name, env)
  return numberOf(line)
}

/** The name of a group, as far as the file has it: for people only. */
export function groupNameOf(id: number): string | undefined {
  return linesOf(readText('/etc/group')).find((line) => numberOf(line) === id)?.[0]
}

const linesOf = (text = ''): string[][] => text.split('\n').map((line) => line.split(':'))

function numberOf([, , id = '']: readonly string[] = []): number | undefined {
  return /^\d+$/.test(id) ? Number(id) : undefined
}

function askGetent(name: string, env: Readonly<Record<string, string | undefined>>): string[] | undefined {
  const program = findProgram('getent', env)
  if (program === undefined) return undefined
  // late: node:child_process brings the network modules along, and most calls never ask
  const { spawnSync } = process.getBuiltinModule('node:child_process')
  const { status, stdout } = spawnSync(program, ['group', '--', name], {
    env: {},
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [line] = status === 0 ? linesOf(stdout) : []
  return line?.[0] === name ? line : undefined
}
