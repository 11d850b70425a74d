/** /proc/self/status: who we are and what we may do, proc_pid_status(5). */
import { readText } from './file.ts'

export interface Status {
  readonly uid: number
  readonly gid: number
  readonly groups: readonly number[]
  readonly noNewPrivs: boolean
  readonly seccomp: number
  readonly capEffective: bigint
  readonly capBounding: bigint
}

export function readStatus(proc: string): Status {
  return parseStatus(readText(`${proc}/self/status`) ?? '')
}

/** A field that the kernel does not show gets the value that permits least; the ids come from the system calls then. */
export function parseStatus(text: string): Status {
  const field = fields(text)
  return {
    uid: effective(field.get('Uid')) ?? process.geteuid?.() ?? 65534,
    gid: effective(field.get('Gid')) ?? process.getegid?.() ?? 65534,
    groups: numbers(field.get('Groups') ?? ''),
    noNewPrivs: field.get('NoNewPrivs') === '1',
    seccomp: Number(field.get('Seccomp') ?? 0),
    capEffective: hexadecimal(field.get('CapEff')),
    capBounding: hexadecimal(field.get('CapBnd')),
  }
}

function fields(text: string): Map<string, string> {
  const found = new Map<string, string>()
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':')
    if (colon > 0) found.set(line.slice(0, colon), line.slice(colon + 1).trim())
  }
  return found
}

const numbers = (text: string): number[] =>
  text
    .split(/\s+/)
    .filter((word) => word !== '')
    .map(Number)

/** Real, effective, saved, file system id: the second one counts. */
const effective = (text: string | undefined): number | undefined => numbers(text ?? '')[1]

function hexadecimal(text: string | undefined): bigint {
  return text !== undefined && /^[0-9a-f]+$/i.test(text) ? BigInt(`0x${text}`) : 0n
}
