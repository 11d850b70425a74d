/** The terminal that a process asks for. Pure. */
import type { Op } from '../../kernel/plan.ts'
import type { Process } from '../../spec/types.ts'

export interface TerminalOptions {
  /**
   * We stay and copy to a terminal of our own, which turns a newline into CR and newline itself, or to a pipe, whose
   * reader wants the bytes as the program wrote them: so the container's terminal leaves newlines alone, as under runc.
   * Whoever gets the terminal over a socket sets it up to its own taste.
   */
  readonly isAttended: boolean
  /** JSON pointer of the process object. */
  readonly origin: string
}

/** Rows and columns of the kernel are 16 bits: ioctl_tty(2), TIOCSWINSZ. */
const MOST = 65535

export function planTerminal({ terminal, consoleSize, user }: Process, { isAttended, origin }: TerminalOptions): Op[] {
  if (terminal !== true) return []
  const { width = 0, height = 0 } = consoleSize ?? {}
  const size = { width: Math.min(width, MOST), height: Math.min(height, MOST) }
  const plainNewlines = isAttended ? 1 : 0
  return [{ op: 'terminal', uid: user?.uid ?? 0, ...size, plainNewlines, origin: `${origin}/terminal` }]
}

/** Puts it on /dev/console too. Only the process that makes the root may; exec finds that one as it is. */
export const planConsole = (): Op[] => [{ op: 'console', origin: '/process/terminal' }]
