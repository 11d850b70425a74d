/** A process of a task that we stay with: its streams are ours, signals and window sizes go to it. */
import type { Attachment } from '../tasks/attach.ts'
import type { ProcessTarget, Tasks } from '../tasks/index.ts'

export interface Foreground {
  readonly tasks: Tasks
  readonly target: ProcessTarget
  readonly attachment: Attachment
  readonly terminal: boolean
}

const handedOn = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const

/** Settles when its output has ended. */
export async function stay({ tasks, target, attachment, terminal }: Foreground): Promise<void> {
  const { constants } = process.getBuiltinModule('node:os')
  const quietly = (work: Promise<unknown>) => void work.catch(() => {})
  const fit = () => {
    const { columns, rows } = process.stdout
    if (columns && rows) quietly(tasks.resize({ ...target, width: columns, height: rows }))
  }
  const listeners = handedOn.map((name) => {
    const signal = constants.signals[name]
    return { name, hand: () => quietly(tasks.kill({ ...target, signal })) }
  })
  for (const { name, hand } of listeners) process.on(name, hand)
  const isRaw = terminal && process.stdin.isTTY
  if (isRaw) process.stdin.setRawMode(true)
  if (terminal) {
    fit()
    process.on('SIGWINCH', fit)
  }
  try {
    await attachment.begin(process, () => quietly(tasks.closeInput(target)))
  } finally {
    if (isRaw) process.stdin.setRawMode(false)
    process.off('SIGWINCH', fit)
    for (const { name, hand } of listeners) process.off(name, hand)
    attachment.close()
  }
}
